"""ECG-QA: published and built questions."""
