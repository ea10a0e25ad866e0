"""A real language model taught to report from precedents, and from the ECG itself: small adapters over frozen weights."""
