"""A second modality beside the ECG (echo, magnetic resonance, laboratory): one space for both, learned from pairs."""
