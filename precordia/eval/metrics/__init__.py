"""Metrics of generated text against one reference each: one file a metric, its settings stated beside it."""
