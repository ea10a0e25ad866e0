"""Twelve leads from few: how well they are drawn, and how well few leads find what all of them find."""
