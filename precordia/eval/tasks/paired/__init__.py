"""What a second modality teaches the ECG encoder."""
