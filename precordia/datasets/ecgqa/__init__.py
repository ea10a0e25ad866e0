"""ECG-QA: its published layout, its protocols and scorers, and the systems that are scored on it.

Facts of the published harness are from github.com/Jwoo5/ecg-qa at 3eabbce1 (``llm_modeling``) and
github.com/Jwoo5/fairseq-signals at 6b9e1375 (``preprocess_ecgqa.py``, ``binary_cross_entropy_with_logits.py``).
"""
