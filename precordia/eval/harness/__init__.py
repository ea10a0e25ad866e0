"""What every benchmark shares: tasks and their results, intervals, comparisons, pages."""
