"""What the answers of ``precordia eval ecgqa-built`` rest on: what ships for the encoder, or what is fitted for this run."""

from __future__ import annotations

from dataclasses import dataclass

from precordia.core.errors import InputError
from precordia.fitting.answers.ground import Ground, in_words
from precordia.generation.answers.fitted import FittedAnswers, shipped_for


@dataclass(frozen=True, eq=False)
class Basis:
    """What answers rest on.

    Attributes:
        fitted: None where nothing fits the encoder and nothing could be fitted.
        notes: Where it comes from, and how its promise was kept where it was fitted, for people.
    """

    fitted: FittedAnswers | None
    notes: tuple[str, ...]


def basis_of(ground: Ground) -> Basis:
    """What ships for the encoder, else what is fitted on folds 1-7 and 8, if there are ECGs enough."""
    known = shipped_for(ground.vectors.encoder)
    if known is not None:
        return Basis(known, (f"answers rest on what was fitted on {known.source}, as shipped",))
    try:
        fitted, kept = ground.held_back()
    except InputError as error:
        return Basis(None, (f"answers rest on the judgement alone, since nothing fits this encoder and {error}",))
    where = "for this run alone: nothing that ships fits the encoder"
    return Basis(fitted, (f"answers rest on what was fitted on {fitted.source}, {where}", *in_words(fitted, kept)))
