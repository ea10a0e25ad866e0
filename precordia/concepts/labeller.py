"""What a report says: findings read from English, German and Swedish text, deterministically.

Three passes. Tokens (see :mod:`precordia.concepts.lexicon`) are matched against the trie of wordings, longest phrase
first, which gives items: findings, territories, leads, and cues of negation, doubt, age, degree and change. Items are
then read from left to right; a cue acts on the findings that it is tied to within its sentence. Findings that are said
twice are merged. The reading rules are in ``docs/concepts.md``.
"""

from __future__ import annotations

from precordia.concepts.reading import read_items
from precordia.concepts.scanning import scan
from precordia.concepts.terms import vocabulary
from precordia.core.findings import Finding, Status
from precordia.core.given import expect

_CERTAINTY: dict[Status, int] = {"present": 2, "uncertain": 1, "absent": 0}


def label_report(text: str) -> list[Finding]:
    """The findings that a report states, in the order of the text, each once for every territory.

    A finding stated more than once keeps its most certain status; one that only repeats a more special one is left out.

    Args:
        text: A report in English, German or Swedish; any text is accepted, and one without findings gives none.

    Examples:
        >>> [(f.concept, f.status) for f in label_report("Sinus rhythm. Possible old inferior infarct. No ST elevation.")]
        [('SR', 'present'), ('IMI', 'uncertain'), ('STE_', 'absent')]
        >>> [(f.concept, f.status) for f in label_report("Sinusrhythmus, kein Linksschenkelblock, V.a. Vorderwandinfarkt")]
        [('SR', 'present'), ('LBBB', 'absent'), ('AMI', 'uncertain')]
    """
    expect(text, str, "a report is words")
    merged: dict[tuple[str, str | None], Finding] = {}
    for finding in read_items(scan(text)):
        key = (finding.concept, finding.territory)
        other = merged.get(key)
        if other is None or _CERTAINTY[finding.status] > _CERTAINTY[other.status]:
            merged[key] = finding
    return sorted(_most_special(list(merged.values())), key=lambda finding: finding.span)


def _most_special(findings: list[Finding]) -> list[Finding]:
    """Without the findings that another one states more specially, with the same status and in the same place."""
    vocab = vocabulary()
    special = {
        (general, status, territory)
        for finding in findings
        for general in vocab.ancestors(finding.concept)
        for status in ((finding.status, "uncertain") if finding.status == "present" else (finding.status,))
        for territory in (finding.territory, None)
    }
    return [f for f in findings if f.status == "absent" or (f.concept, f.status, f.territory) not in special]
