"""Reading: ECG files of every kind as recordings, archives as lists of references, report tables beside them."""
