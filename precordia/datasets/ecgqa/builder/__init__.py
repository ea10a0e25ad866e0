"""Questions over ECG-QA's 70 templates, with answers, from any labelled archive.

Oh et al., ECG-QA, NeurIPS 2023 Datasets and Benchmarks. The rules are those of the published generator
(github.com/Jwoo5/fairseq-signals, commit 1865c0c) and of the released questions (1.0.2); see ``docs/ecgqa-builder.md``.
"""
