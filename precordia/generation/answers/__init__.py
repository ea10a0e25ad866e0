"""Answers to questions about an ECG, or two."""
