"""The knowledge base on disk: cases, signals and rejects as Delta tables, and the indexes derived from them."""
