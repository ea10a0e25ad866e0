"""What other heart signals are taught: pulses and paired tables into the ECG encoder's space, catheters' tokens."""
