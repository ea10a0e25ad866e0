"""What a language model is shown, and what of its words stands up to the evidence."""
