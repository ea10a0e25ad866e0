"""Public data sets: one loader each, used by training, fitting and evaluation alike."""
