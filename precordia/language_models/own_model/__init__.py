"""A small language model of our own: shown an ECG, its measurements and precedents, it writes canonical statements."""
