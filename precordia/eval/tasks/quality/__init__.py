"""Signal quality and swapped electrodes."""
