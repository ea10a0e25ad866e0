"""Reports as words: the text metrics over a set of samples, as written and in canonical English.

Reports are written in English, German and Swedish. A consensus in English cannot share words with a German reference, so
that its figures *as written* say little; those over the references written in English say more, and compare with what a
reader wrote. PTB-XL's English translations cover fold 10 only. In *canonical English* both sides are put into the words
of :func:`precordia.concepts.canonical_text`: all samples count whatever their language, but what the labeller does not
read is lost on both sides, and the figure is that of findings, their certainty, place and order in another guise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.concepts import canonical_text
from precordia.encoders.text import SentenceEncoder
from precordia.eval.metrics import bertscore, overlap
from precordia.eval.metrics.overlap import words
from precordia.eval.tasks.reports.data import Sample
from precordia.eval.tasks.reports.figures import Measure, mean

SETTINGS: Final = {
    "BLEU": overlap.BLEU,
    "METEOR": overlap.METEOR,
    "ROUGE-L": overlap.ROUGE_L,
    "CIDEr-D": overlap.CIDER_D,
    "BERTScore": bertscore.SETTINGS,
}
"""Metric to its settings, as they stand beside the figures."""


@dataclass(frozen=True)
class Variant:
    """A way to hold texts against each other.

    Attributes:
        name: For people.
        key: In the names of columns.
        takes: Which samples count.
        wording: What is done with both texts.
    """

    name: str
    key: str
    takes: Callable[[Sample], bool]
    wording: Callable[[str], str]


VARIANTS: Final = (
    Variant("as written", "written", lambda sample: True, str),
    Variant("written in English", "english", lambda sample: sample.language == "en", str),
    Variant("canonical English", "canonical", lambda sample: True, canonical_text),
)


@dataclass(frozen=True, eq=False)
class TextScores:
    """What each sample scores.

    Attributes:
        bleu: ``(n, 10)`` counts, see :func:`precordia.eval.metrics.overlap.bleu_counts`.
        meteor, rouge_l, cider_d, bertscore: ``(n,)``.
    """

    bleu: NDArray[np.int64]
    meteor: NDArray[np.float64]
    rouge_l: NDArray[np.float64]
    cider_d: NDArray[np.float64]
    bertscore: NDArray[np.float64]

    def measures(self, patients: Sequence[str], group: str) -> list[Measure]:
        """The figures."""
        counts = self.bleu.astype(np.float64)
        return [
            *(Measure(f"BLEU-{n}", counts, _bleu(n), patients, group) for n in range(1, overlap.ORDER + 1)),
            mean("METEOR", self.meteor, patients, group),
            mean("ROUGE-L", self.rouge_l, patients, group),
            mean("CIDEr-D", self.cider_d, patients, group),
            mean("BERTScore F1", self.bertscore, patients, group),
        ]

    def cells(self, row: int) -> dict[str, object]:
        """One sample's scores by name; BLEU's counts, since it is a corpus's."""
        return {
            "bleu_counts": self.bleu[row],
            "meteor": float(self.meteor[row]),
            "rouge_l": float(self.rouge_l[row]),
            "cider_d": float(self.cider_d[row]),
            "bertscore": float(self.bertscore[row]),
        }


class TextScorer:
    """Scores candidates against the references of a fixed set of samples.

    Args:
        references: ``(n,)`` one a sample, as they are compared; CIDEr-D's rarities are theirs.
        candidates: Every text that will be scored.
        idf: Whether BERTScore weighs word pieces by their rarity among the references.
        encoder: Of word pieces, for BERTScore; the package's own when None.
    """

    def __init__(
        self,
        references: Sequence[str],
        candidates: Sequence[str],
        *,
        idf: bool = False,
        encoder: SentenceEncoder | None = None,
    ) -> None:
        self._references = list(references)
        self._words = [words(text) for text in references]
        self._cider = overlap.CiderD(self._words)
        self._bertscore = bertscore.BertScore([*references, *candidates], references if idf else None, encoder)

    def score(self, candidates: Sequence[str]) -> TextScores:
        """``(n,)`` one text a reference."""
        said = [words(text) for text in candidates]
        pairs = list(zip(said, self._words, strict=True))
        texts = zip(candidates, self._references, strict=True)
        return TextScores(
            np.array([overlap.bleu_counts(*pair) for pair in pairs]).reshape(len(pairs), 2 * overlap.ORDER + 2),
            np.array([overlap.meteor(*pair) for pair in pairs]),
            np.array([overlap.rouge_l(*pair) for pair in pairs]),
            np.array([self._cider.score(*pair) for pair in pairs]),
            np.array([self._bertscore.score(*pair).f1 for pair in texts]),
        )


def check_libraries(encoder: SentenceEncoder) -> None:
    """Score one word, so that a library that is missing is told before the long work.

    Raises:
        MissingExtraError: one is.
    """
    TextScorer(["rhythm"], ["rhythm"], encoder=encoder).score(["rhythm"])


def _bleu(order: int) -> Callable[[NDArray[np.float64]], float]:
    return lambda summed: overlap.bleu(summed.astype(np.int64), order)
