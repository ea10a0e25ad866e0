"""What a reply says, and whether it is right: as the published harness has it, faults and all, and corrected.

The published LLM harness lower-cases the reply, then looks for the options as they are cased, in the order of their
classes, anywhere in the reply. So no lead answer ("lead V1") can be found, "not sure" is read as "no" because "no" stands
before it, and "no" is found within "normal" or "none". docs/ecgqa.md has each fault with an example.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from precordia.datasets.ecgqa.classes import NONE

THRESHOLD = 0.5
"""Of the classifier protocol (``threshold`` of the published criterion)."""


def read_as_published(reply: str, options: Sequence[str]) -> frozenset[str]:
    """The answers that the published harness extracts.

    Args:
        reply: The model's words.
        options: The valid classes, in order, without "none".

    >>> sorted(read_as_published("Not sure", ["no", "not sure", "yes"]))
    ['no']
    >>> sorted(read_as_published("Lead V1", ["lead V1", "lead V2"]))
    []
    """
    # It escapes the first bracket of either kind and nothing else.
    escaped = [option.replace("(", "\\(", 1).replace(")", "\\)", 1) for option in options]
    pattern = "|".join(f"({option})" for option in (*escaped, NONE))
    return frozenset(match.group() for match in re.finditer(pattern, reply.lower()))


def read_corrected(reply: str, options: Sequence[str], *, offers_none: bool) -> frozenset[str]:
    """The options that a reply names as whole phrases, whatever their case, the longest first.

    Args:
        reply: The model's words.
        options: The valid classes.
        offers_none: Whether "none" is an option; it is not for questions of yes or no.

    Returns:
        Options as they are cased.

    >>> sorted(read_corrected("Not sure.", ["no", "not sure", "yes"], offers_none=False))
    ['not sure']
    >>> sorted(read_corrected("lead II", ["lead I", "lead II"], offers_none=True))
    ['lead II']
    """
    named = {_plain(option): option for option in (*options, *([NONE] if offers_none else []))}
    longest_first = sorted(named, key=lambda name: (-len(name), name))
    pattern = "|".join(re.escape(name) for name in longest_first)
    found = re.finditer(rf"(?<![a-z0-9])(?:{pattern})(?![a-z0-9])", _plain(reply))
    return frozenset(named[match.group()] for match in found)


def paper_exact(reply: str, options: Sequence[str], answer: frozenset[str]) -> bool:
    """Whether the published harness counts a reply as right."""
    truth = frozenset(a.lower() for a in answer if a != NONE) or frozenset({NONE})
    return read_as_published(reply, options) == truth


def corrected(reply: str, options: Sequence[str], answer: frozenset[str], *, offers_none: bool) -> bool:
    """Whether a reply names exactly the published answers."""
    return read_corrected(reply, options, offers_none=offers_none) == answer


def multi_label(scores: Mapping[str, float], options: Sequence[str], answer: frozenset[str]) -> bool:
    """Whether a classifier is right: above the threshold on exactly those valid classes that are true.

    "None" is the empty answer, and classes that are not valid count for nothing, on either side.

    Args:
        scores: Class to score, 0 to 1; a class left out scores 0.
        options: The valid classes.
        answer: As published.
    """
    return all((scores.get(option, 0.0) > THRESHOLD) == (option in answer) for option in options)


def offers_none(question_type: str) -> bool:
    """Whether "None" is among the options: not where the answer is yes or no."""
    return not question_type.endswith("-verify")


def _plain(text: str) -> str:
    return " ".join(text.lower().split())
