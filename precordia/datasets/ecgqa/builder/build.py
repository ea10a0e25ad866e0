"""All questions about a set of ECGs: every slot, its answers, and a draw of ECGs for each answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from precordia.datasets.ecgqa.builder.answers import Answer, answer_of, shows_elsewhere
from precordia.datasets.ecgqa.builder.facts import Facts
from precordia.datasets.ecgqa.builder.sampling import HELD_OUT, Caps, draw
from precordia.datasets.ecgqa.builder.slots import FEATURES, Slot, slots
from precordia.datasets.ecgqa.builder.templates import CONSECUTIVE
from precordia.datasets.ecgqa.questions import Question

PAIRS = 2000
"""Random pairs of two patients' ECGs from which comparisons are drawn."""


def build(
    ecgs: Sequence[Facts],
    *,
    split: str = "test",
    caps: Caps = HELD_OUT,
    seed: int = 42,
    wanted: Callable[[Slot], bool] = lambda slot: True,
    pairs: int = PAIRS,
) -> list[Question]:
    """The questions, in the order of the released files: by template, question and answer.

    Args:
        ecgs: What is known of each ECG; their order does not matter.
        split: "train", "valid" or "test".
        caps: Most ECGs an answer.
        seed: Of the draws; each question has its own stream, so that leaving templates out changes no other question.
        wanted: Which questions to make.
        pairs: Random pairs to draw comparisons from.
    """
    known = sorted(ecgs, key=lambda facts: facts.ecg_id)
    patients = [(i,) for i in range(len(known))]
    same = consecutive(known)
    different = irrelevant(known, pairs, np.random.default_rng([seed, 0]))
    taken: dict[int, set[tuple[int, ...]]] = defaultdict(set)
    out: list[Question] = []
    for number, slot in enumerate(slots(), 1):
        if not wanted(slot):
            continue
        shown: Sequence[tuple[int, ...]] = patients
        if slot.template.compares:
            shown = same if slot.template.question_type.startswith(CONSECUTIVE) else different
        used = taken[slot.template.template_id] if slot.template.kind == "choose" else set()
        asked = _asked(slot, [s for s in shown if s not in used], known, caps, np.random.default_rng([seed, number]))
        used.update(members for members, _ in asked)
        out += [_question(slot, len(out) + i, split, known, *found) for i, found in enumerate(asked)]
    return out


def _asked(
    slot: Slot, shown: Sequence[tuple[int, ...]], known: Sequence[Facts], caps: Caps, rng: np.random.Generator
) -> list[tuple[tuple[int, ...], Answer]]:
    by_answer: dict[Answer, list[int]] = defaultdict(list)
    for position, members in enumerate(shown):
        answer = answer_of(slot, *(known[i] for i in members))
        if answer is not None:
            by_answer[answer].append(position)
    near = frozenset(i for i, members in enumerate(shown) if slot.lead and shows_elsewhere(slot, known[members[0]]))
    return [(shown[i], answer) for i, answer in draw(slot.template.kind, by_answer, near, caps, rng)]


def _question(
    slot: Slot, sample_id: int, split: str, known: Sequence[Facts], members: tuple[int, ...], answer: Answer
) -> Question:
    template = slot.template
    attributes = () if template.compares else slot.attributes
    if template.subject == "range":
        attributes = tuple(f"{a} of {slot.feature}" for a in attributes)
    elif template.subject == "features":
        attributes = tuple(f"{slot.attributes[0]} of {f}" for f in FEATURES)
    return Question(
        split,
        sample_id,
        template.template_id,
        slot.question_id,
        template.question_type,
        template.attribute_type,
        slot.text,
        frozenset(answer),
        tuple(known[i].ecg_id for i in members),
        attributes,
    )


def consecutive(ecgs: Sequence[Facts]) -> list[tuple[int, int]]:
    """Positions of each patient's neighbouring ECGs in time, the earlier first."""
    of: dict[str, list[int]] = defaultdict(list)
    for position, facts in enumerate(ecgs):
        of[facts.patient].append(position)
    ordered = [sorted(found, key=lambda i: (ecgs[i].taken, ecgs[i].ecg_id)) for found in of.values()]
    return [pair for found in ordered for pair in pairwise(found)]


def irrelevant(ecgs: Sequence[Facts], at_most: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Positions of ECGs of two patients, drawn at random, none twice; the order is as drawn."""
    n = len(ecgs)
    if n < 2:
        return []
    drawn = rng.choice(n * n, min(n * n, 2 * at_most), replace=False).tolist()
    found = [divmod(cell, n) for cell in drawn]
    return [(a, b) for a, b in found if ecgs[a].patient != ecgs[b].patient][:at_most]
