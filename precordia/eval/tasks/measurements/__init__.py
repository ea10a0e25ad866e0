"""Measurements against annotated waves."""
