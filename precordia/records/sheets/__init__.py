"""Tables as files: their cells and columns, and what the columns of known archives mean."""
