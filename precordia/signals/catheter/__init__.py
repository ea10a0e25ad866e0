"""Electrograms of catheters in the atria: as words, with a masked model that was learned from simulated ones alone."""
