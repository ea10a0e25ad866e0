"""Findings read from reports."""
