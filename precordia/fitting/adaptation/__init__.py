"""Adapts the encoder of a knowledge base to its archive: trained on few labels, checked on held-back patients, applied, undone."""
