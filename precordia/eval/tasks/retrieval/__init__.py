"""What is retrieved, and what must not be."""
