"""Trains encoders: from what is named to a corpus, and from a corpus to a checkpoint with its card."""
