"""Fits what answers questions: from PTB-XL's training folds, as the ECG-QA builder asks."""
