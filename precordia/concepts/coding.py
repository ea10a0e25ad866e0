"""From what a report says to how PTB-XL coded it: a layer apart, learned from coded reports.

PTB-XL's codes follow conventions that a clinical crosswalk must not: sinus rhythm coded beside most reports that only
call the ECG normal, "probably ischaemia or strain" left uncoded or coded without a territory, infarctions that the
machine suspected and the cardiologist struck. :func:`precordia.concepts.label_report` and
:func:`precordia.concepts.findings_from_codes` know nothing of them; a :class:`Coder` learns them as one logistic
regression a code over the findings, and where asked over the words as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from precordia.concepts.labeller import label_report
from precordia.concepts.language import language_of
from precordia.core.errors import MissingExtraError

EDIT = "edit:"
"""In PTB-XL what follows this mark was written by the first reader, and in brackets by the second."""

_MARKS = {"present": "", "uncertain": "?", "absent": "-"}
_MIN_REPORTS = 3
_MOST = 10


def coding_features(report: str) -> dict[str, float]:
    """What a coder sees of a report: its findings with status, territory and severity, and where they stand.

    >>> sorted(coding_features("sinus rhythm. possible old inferior infarct."))
    ['IMI/old', 'IMI?', 'IMI?@inferior', 'SR', 'en', 'n']
    """
    features: dict[str, float] = {}
    findings = label_report(report)
    cut = report.lower().find(EDIT)
    for finding in findings:
        name = finding.concept + _MARKS[finding.status]
        features[name] = 1.0
        if finding.territory:
            features[f"{name}@{finding.territory}"] = 1.0
        if finding.severity:
            features[f"{finding.concept}/{finding.severity}"] = 1.0
        if cut >= 0:
            features[f"{'edit' if finding.span[0] > cut else 'before'}:{name}"] = 1.0
    features["n"] = min(len(findings), _MOST) / _MOST
    features[language_of(report)] = 1.0
    if "unbest" in report.lower():
        features["unconfirmed"] = 1.0
    return features


class Coder:
    """Codes of reports, by logistic regression over their findings.

    Args:
        words: Whether the words themselves are a second model, averaged with the first.
        findings: Whether the findings are one; with ``words`` alone this is the TF-IDF baseline.
        threshold: Probability from which a code is given. 0.4 was best on held-back parts of the tuning half for every
            kind of coder: micro-F1 gains from codes that are a little less likely than not.
    """

    def __init__(self, *, findings: bool = True, words: bool = False, threshold: float = 0.4) -> None:
        self.threshold = threshold
        self._use = (findings, words)
        self._models: list[tuple[Any, _Regressions]] = []

    def fit(self, reports: Sequence[str], labels: NDArray[np.bool_]) -> Coder:
        """Learn.

        Args:
            reports: ``(n,)`` texts.
            labels: ``(n, n_codes)`` whether each code was given.

        Raises:
            MissingExtraError: scikit-learn is not installed.
        """
        try:
            from sklearn.feature_extraction import DictVectorizer
            from sklearn.feature_extraction.text import TfidfVectorizer
        except ImportError as error:
            raise MissingExtraError("scikit-learn", "eval", "learning how a data set codes its reports") from error
        self._models = []
        if self._use[0]:
            features = [coding_features(report) for report in reports]
            kept = _frequent(features)
            vectorizer = DictVectorizer()
            x = vectorizer.fit_transform([{k: v for k, v in f.items() if k in kept} for f in features])
            self._models.append((vectorizer, _Regressions(x, labels, 1.0)))
        if self._use[1]:
            words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, token_pattern=r"(?u)\b\w+\b")
            self._models.append((words, _Regressions(words.fit_transform(reports), labels, 10.0)))
        return self

    def probabilities(self, reports: Sequence[str]) -> NDArray[np.float64]:
        """``(n, n_codes)`` probability of each code."""
        found = []
        for position, (vectorizer, model) in enumerate(self._models):
            seen = [coding_features(r) for r in reports] if position == 0 and self._use[0] else list(reports)
            found.append(model.predict_proba(vectorizer.transform(seen)))
        return np.asarray(np.mean(found, axis=0), dtype=np.float64)

    def predict(self, reports: Sequence[str]) -> NDArray[np.bool_]:
        """``(n, n_codes)`` whether each code is given."""
        return np.asarray(self.probabilities(reports) > self.threshold, dtype=np.bool_)


def _frequent(features: Sequence[Mapping[str, float]]) -> frozenset[str]:
    counts: dict[str, int] = {}
    for row in features:
        for name in row:
            counts[name] = counts.get(name, 0) + 1
    return frozenset(name for name, count in counts.items() if count >= _MIN_REPORTS)


class _Regressions:
    """One logistic regression a column; a column that never varies keeps its share."""

    def __init__(self, x: Any, labels: NDArray[np.bool_], strength: float) -> None:
        from sklearn.linear_model import LogisticRegression

        # liblinear takes 32-bit indices only; scikit-learn's vectorizers may give 64-bit ones.
        x.indices, x.indptr = x.indices.astype(np.int32), x.indptr.astype(np.int32)
        self._shares = labels.mean(axis=0)
        self._models = [
            LogisticRegression(C=strength, max_iter=300, solver="liblinear", random_state=0).fit(x, column)
            if 0 < share < 1
            else None
            for column, share in zip(labels.T, self._shares, strict=True)
        ]

    def predict_proba(self, x: Any) -> NDArray[np.float64]:
        columns = [
            np.full(x.shape[0], share) if model is None else model.predict_proba(x)[:, 1]
            for model, share in zip(self._models, self._shares, strict=True)
        ]
        return np.stack(columns, axis=1)
