"""The small language model that is trained here."""
