"""One folder a benchmark; each task is named in ``precordia/eval/harness/registry.py``."""
