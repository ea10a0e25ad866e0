"""Fits what reads other heart signals."""
