"""What clinicians made of the statements that were drafted for them."""
