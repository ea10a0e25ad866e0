"""Fits what draws leads from others, and what aligns the vectors of few leads with those of all."""
