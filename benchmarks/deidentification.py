"""How much of what identifies a patient is found in reports, and how many clinical words are lost: 200 made-up reports.

    python -m benchmarks.deidentification

The reports are composed from seeds: clinical sentences in English or German, and between them phrases that name patients,
doctors, places, dates and numbers. Sentences, phrases, names and forms of dates come in six sets, each written before the rules
were next changed. The rules were mended by what was missed in ``first`` to ``fifth``; ``unseen`` came last. docs/security.md says
what was found in a set when it was first looked at, which is what to expect of reports that nobody has seen.

An identifier counts as found when no letter or digit of it is left. A clinical word counts as kept when all of it is.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

import numpy as np

from precordia.concepts.redaction import masks
from precordia.records.identifiers import find_identifiers

Language = Literal["en", "de"]
Which = Literal["first", "second", "third", "fourth", "fifth", "unseen"]
MATERIAL: Final = Path(__file__).with_name("deidentification.json")
N_REPORTS: Final = 200
_MISSES_SHOWN: Final = 20


@dataclass(frozen=True)
class MadeUp:
    """A report of nobody.

    Attributes:
        text: Its words.
        identifiers: Kind and place of each identifier, ``(kind, start, end)``.
        clinical: Places of the clinical sentences.
    """

    text: str
    identifiers: tuple[tuple[str, int, int], ...]
    clinical: tuple[tuple[int, int], ...]


def compose(seed: int, language: Language, material: dict[str, Any]) -> MadeUp:
    """A report of two to five clinical sentences with two to four phrases that identify, the same for the same seed."""
    rng = np.random.default_rng(seed)
    words = material[language]
    clinical = [str(s) for s in rng.choice(words["clinical"], size=int(rng.integers(2, 6)), replace=False)]
    chosen = rng.choice(len(words["phrases"]), size=int(rng.integers(2, 5)), replace=False)
    pieces: list[tuple[str, bool]] = [(sentence, True) for sentence in clinical]
    for i in chosen:
        phrase = words["phrases"][int(i)]
        # A heading stands first, a signature last, anything else anywhere.
        at = {"first": 0, "last": len(pieces)}.get(phrase["place"], int(rng.integers(0, len(pieces) + 1)))
        pieces.insert(at, (phrase["text"], False))
    text, identifiers, places = "", [], []
    style = int(rng.integers(0, 10))
    for piece, is_clinical in pieces:
        text += ("\n" if rng.random() < 0.25 else " ") if text else ""
        if is_clinical:
            start = len(text)
            text += piece
            places.append((start, len(text)))
            continue
        for part in piece.split("|"):
            if not part.startswith("@"):
                text += part
                continue
            value = _value(part[1:], words, rng)
            identifiers.append((part[1:].split(".")[0], len(text), len(text) + len(value)))
            text += value
    # Carts print in capitals.
    return MadeUp(text.upper() if style == 0 and "ß" not in text else text, tuple(identifiers), tuple(places))


def _value(slot: str, words: dict[str, Any], rng: np.random.Generator) -> str:
    """What stands in a slot: a choice of a list, whose own slots in braces are filled likewise."""
    choices = words["slots"][slot]
    text = str(choices[int(rng.integers(len(choices)))])
    while "{" in text:
        start = text.index("{")
        end = text.index("}", start)
        text = text[:start] + _filled(text[start + 1 : end], words, rng) + text[end + 1 :]
    return text


def _filled(name: str, words: dict[str, Any], rng: np.random.Generator) -> str:
    if name.startswith("#"):  # {#5}: five digits; {#1-28}: a number
        low, _, high = name[1:].partition("-")
        return str(int(rng.integers(int(low), int(high) + 1))) if high else "".join(
            str(rng.integers(0, 10)) for _ in range(int(low))
        )  # fmt: skip
    return _value(name, words, rng)


@dataclass(frozen=True)
class Figures:
    """What was found in some reports."""

    n_reports: int
    n_identifiers: int
    n_found: int
    n_words: int
    n_kept: int
    misses: tuple[str, ...]
    lost: tuple[str, ...]

    @property
    def recall(self) -> float:
        """Share of the identifiers of which nothing is left."""
        return self.n_found / self.n_identifiers

    @property
    def kept(self) -> float:
        """Share of the clinical words that are left."""
        return self.n_kept / self.n_words


def by_form(text: str) -> list[tuple[int, int]]:
    """What the recogniser of forms alone masks."""
    return [(found.start, found.end) for found in find_identifiers(text)]


def by_form_and_vocabulary(text: str) -> list[tuple[int, int]]:
    """What :func:`precordia.concepts.redaction.redact` masks."""
    return [(start, end) for start, end, _ in masks(text)]


RECOGNISERS: Final = {"form and vocabulary": by_form_and_vocabulary, "form alone": by_form}


def measure(reports: Sequence[MadeUp], recognise: Callable[[str], list[tuple[int, int]]]) -> Figures:
    """Identifiers found and clinical words kept."""
    n_found, n_words, n_kept = 0, 0, 0
    misses: list[str] = []
    lost: list[str] = []
    for report in reports:
        gone = np.zeros(len(report.text), dtype=bool)
        for start, end in recognise(report.text):
            gone[start:end] = True
        for kind, start, end in report.identifiers:
            left = [i for i in range(start, end) if report.text[i].isalnum() and not gone[i]]
            n_found += not left
            if left:
                misses.append(f"{kind}: {report.text[max(0, start - 15) : end + 10]!r}")
        for start, end in report.clinical:
            at = start
            for word in report.text[start:end].split():
                at = report.text.index(word, at)
                whole = not gone[at : at + len(word)].any()
                n_words, n_kept = n_words + 1, n_kept + whole
                if not whole:
                    lost.append(f"{word!r} in {report.text[max(0, start - 40) : end]!r}")
                at += len(word)
    n_identifiers = sum(len(report.identifiers) for report in reports)
    return Figures(len(reports), n_identifiers, n_found, n_words, n_kept, tuple(misses), tuple(lost))


def reports_of(which: Which, n: int = N_REPORTS, first_seed: int = 0) -> list[MadeUp]:
    """``n`` reports, English and German in turn."""
    material = json.loads(MATERIAL.read_text(encoding="utf-8"))[which]
    return [compose(first_seed + i, "de" if i % 2 else "en", material) for i in range(n)]


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--which", choices=get_args(Which), default="unseen")
    parser.add_argument("-n", type=int, default=N_REPORTS, help="number of reports")
    parser.add_argument("--misses", action="store_true", help="also print what was missed or lost")
    args = parser.parse_args(argv)
    reports = reports_of(args.which, args.n)
    print("| recognised by | reports | identifiers | recall | clinical words | kept |\n|---|---|---|---|---|---|")
    for by, recognise in RECOGNISERS.items():
        for name, part in (("all", reports), ("English", reports[0::2]), ("German", reports[1::2])):
            f = measure(part, recognise)
            print(
                f"| {by} | {f.n_reports} ({name}) | {f.n_identifiers} | {f.recall:.3f} | {f.n_words} | {f.kept:.4f} |"
            )
    if args.misses:
        f = measure(reports, by_form_and_vocabulary)
        for title, lines in (("missed", f.misses), ("lost", f.lost)):
            for line, count in Counter(lines).most_common(_MISSES_SHOWN):
                print(f"{title} {count}: {line}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
