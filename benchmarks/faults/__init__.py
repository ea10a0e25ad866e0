"""A knowledge base killed, damaged, starved and crowded, and what became of it: ``python -m benchmarks.faults``."""
