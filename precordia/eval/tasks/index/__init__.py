"""Speed and recall of vector indexes."""
