"""Systems that are fitted to an archive's labels, to stand beside frozen embeddings."""
