"""The evaluation harness: tasks with their protocol and source, metrics with intervals, results in one schema."""
