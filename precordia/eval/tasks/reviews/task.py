"""``precordia eval reviews``: how often each kind of statement is struck or edited by who reviews it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from precordia.concepts import vocabulary
from precordia.core import bootstrap
from precordia.core.errors import InputError, UsageError
from precordia.eval.harness.task import Result, Row, Settings, TaskCard
from precordia.indexing.addresses import folder_of
from precordia.indexing.reviews import Review, Reviews, latest

OPTIONS: Final = {"signed"}
NUMBER: Final = "a number alone"
FEWEST: Final = 5
"""Kinds and findings of which fewer were reviewed are not told apart."""

CARD: Final = TaskCard(
    name="reviews",
    summary="reviews: how often each kind of statement is struck or edited",
    protocol=(
        "The last decision on each statement of each ECG in the knowledge base of --kb, by the section of the statement's first "
        "finding, and by finding. 95 % intervals by patient. Option: signed=yes takes signed decisions alone."
    ),
    source="the reviews of one's own service (docs/service.md)",
    code=__name__,
    headline=("share struck",),
    runs=(),
)


class ReviewsTask:
    """See :class:`precordia.eval.harness.task.Task`."""

    card = CARD

    def run(self, settings: Settings) -> Result:
        """Count."""
        self.card.check_options(settings.options, *OPTIONS)
        if settings.kb is None:
            raise UsageError("task reviews needs a knowledge base: name it by --kb")
        signed = settings.options.get("signed", "no") == "yes"
        found = [r for r in latest(Reviews(folder_of(settings.kb)).all()) if r.signed or not signed][: settings.limit]
        if not found:
            raise InputError(
                f"{settings.kb} holds no reviews: decide on statements in the page, or by POST /v1/reviews"
            )
        groups = {"": found}
        for review in found:
            for group in groups_of(review):
                groups.setdefault(group, []).append(review)
        rows = [
            row
            for group, of in groups.items()
            if len(of) >= FEWEST or not group
            for row in _rows(group, of, settings.seed)
        ]
        samples = [
            {
                "sample": f"{r.recording_hash[:16]}-{r.statement}",
                "patient": r.recording_hash[:16],
                "kind": groups_of(r)[0],
                "struck": r.decision == "strike",
                "edited": r.decision == "edit",
            }
            for r in found
        ]
        n = len({r.recording_hash for r in found})
        notes = (
            f"{len(found)} statements of {n} ECGs; who reviews is not asked blind, and may let stand what is not worth the click.",
        )
        return Result("reviews", tuple(rows), notes, samples)


REVIEWS = ReviewsTask()


def groups_of(review: Review) -> list[str]:
    """The kind of a statement, and its findings: "rhythm", "possible infarction", "AFIB"."""
    said = [concept.partition(" ")[::2] for concept in review.concepts]
    known = [(status, concept) for status, concept in said if concept in vocabulary()]
    if not known:
        return [NUMBER]
    status, concept = known[0]
    before = {"present": "", "uncertain": "possible ", "absent": "no "}[status]
    return [f"{before}{vocabulary().concept(concept).section}", *dict.fromkeys(concept for _, concept in known)]


def _rows(group: str, reviews: list[Review], seed: int) -> Iterable[Row]:
    patients = [r.patient_key or r.recording_hash for r in reviews]
    for decision, name in (("strike", "share struck"), ("edit", "share edited")):
        e = bootstrap.rate([r.decision == decision for r in reviews], patients, seed=seed)
        yield Row("precordia", name, e.value, e.low, e.high, e.n, group, at_least=False, headline=not group)
