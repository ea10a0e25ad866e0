"""Drafts as pages for people."""
