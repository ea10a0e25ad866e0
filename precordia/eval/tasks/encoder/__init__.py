"""What an encoder's vectors know."""
