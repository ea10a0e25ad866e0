"""The vocabulary of ECG findings: names, hierarchy and codes, read from the tables in ``data/``.

Sources of the codes are named in ``docs/concepts.md``.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from precordia.core.errors import UnknownNameError

SCHEMES = ("scp", "snomed", "aha", "ecgqa")
"""Coding schemes that the table carries: SCP-ECG as in PTB-XL, SNOMED CT as in the CinC challenges, AHA/ACC/HRS
statement numbers (``60+341``: with modifier), and the answer index of ECG-QA for PTB-XL."""

SUPERCLASSES = ("NORM", "MI", "STTC", "CD", "HYP")
"""Diagnostic superclasses of PTB-XL (Wagner et al. 2020, table 8)."""


@dataclass(frozen=True)
class Concept:
    """One finding of the vocabulary.

    Attributes:
        id: Short upper-case identifier; PTB-XL's SCP code where there is one.
        name: Canonical English name.
        section: Where it belongs: "rhythm", "conduction", "axis", "infarction", ...
        parents: Identifiers of the more general findings that it is a kind of.
        superclass: PTB-XL's diagnostic superclass, or None.
        codes: Scheme to codes in it.
    """

    id: str
    name: str
    section: str
    parents: tuple[str, ...]
    superclass: str | None
    codes: Mapping[str, tuple[str, ...]]


class Vocabulary:
    """All findings, with look-up by identifier, by words and by code.

    Args:
        concepts: The findings; parents must be among them.
        words: Further wordings, as normalised text to identifier.
    """

    def __init__(self, concepts: Iterable[Concept]) -> None:
        self._concepts = {concept.id: concept for concept in concepts}
        self._ancestors: dict[str, tuple[str, ...]] = {}
        self._descendants: dict[str, tuple[str, ...]] = {}
        self._by_code: dict[tuple[str, str], tuple[str, ...]] = {}
        for concept in self._concepts.values():
            for scheme, codes in concept.codes.items():
                for code in codes:
                    key = (scheme, code)
                    self._by_code[key] = (*self._by_code.get(key, ()), concept.id)

    def __iter__(self) -> Iterator[Concept]:
        return iter(self._concepts.values())

    def __len__(self) -> int:
        return len(self._concepts)

    def __contains__(self, concept_id: object) -> bool:
        return concept_id in self._concepts

    def concept(self, concept_id: str) -> Concept:
        """The finding with this identifier.

        Raises:
            UnknownNameError: There is none.
        """
        try:
            return self._concepts[concept_id]
        except KeyError:
            raise UnknownNameError("finding", concept_id, self._concepts) from None

    def ancestors(self, concept_id: str) -> tuple[str, ...]:
        """Identifiers of every more general finding, nearest first, without itself."""
        known = self._ancestors.get(concept_id)
        if known is None:
            seen: dict[str, None] = {}
            queue = list(self.concept(concept_id).parents)
            while queue:
                parent = queue.pop(0)
                if parent not in seen:
                    seen[parent] = None
                    queue.extend(self.concept(parent).parents)
            known = self._ancestors[concept_id] = tuple(seen)
        return known

    def descendants(self, concept_id: str) -> tuple[str, ...]:
        """Identifiers of every more special finding, sorted, without itself."""
        known = self._descendants.get(concept_id)
        if known is None:
            found = sorted(c.id for c in self if concept_id in self.ancestors(c.id))
            known = self._descendants[concept_id] = tuple(found)
        return known

    def superclass(self, concept_id: str) -> str | None:
        """PTB-XL's diagnostic superclass of a finding, or None for form, rhythm and technical findings."""
        return self.concept(concept_id).superclass

    def implied(self, concept_ids: Iterable[str]) -> frozenset[str]:
        """The findings given and everything that they imply (an inferior infarction is an infarction)."""
        result: set[str] = set()
        for concept_id in concept_ids:
            result.add(concept_id)
            result.update(self.ancestors(concept_id))
        return frozenset(result)

    def codes(self, concept_id: str, scheme: str) -> tuple[str, ...]:
        """Codes of a finding in one scheme; empty where the scheme has none for it.

        Raises:
            UnknownNameError: No such finding, or no such scheme.
        """
        if scheme not in SCHEMES:
            raise UnknownNameError("coding scheme", scheme, SCHEMES)
        return self.concept(concept_id).codes.get(scheme, ())

    def by_code(self, scheme: str, code: str) -> tuple[str, ...]:
        """Identifiers of the findings with this code, most general first; empty when the code is unknown."""
        if scheme not in SCHEMES:
            raise UnknownNameError("coding scheme", scheme, SCHEMES)
        return self._by_code.get((scheme, code), ())


def read_table(name: str) -> list[dict[str, str]]:
    """Rows of one of the tab-separated tables in ``data/``, keyed by its header."""
    text = resources.files("precordia.concepts").joinpath("data", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))


@lru_cache(maxsize=1)
def vocabulary() -> Vocabulary:
    """The vocabulary that ships with Precordia."""
    concepts = []
    for row in read_table("findings.tsv"):
        concepts.append(
            Concept(
                id=row["id"],
                name=row["name"],
                section=row["section"],
                parents=tuple(p for p in row["parents"].split(",") if p),
                superclass=row["superclass"] or None,
                codes={scheme: tuple(row[scheme].split()) for scheme in SCHEMES if row[scheme].strip()},
            )
        )
    return Vocabulary(concepts)
