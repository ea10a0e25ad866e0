"""Gathers what the small language model learns to write reports from."""
