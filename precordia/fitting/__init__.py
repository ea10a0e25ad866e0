"""What ships fitted, and how it is made."""
