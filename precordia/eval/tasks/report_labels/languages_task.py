"""``precordia eval report-languages``: what makes a report of one language find those of another that mean the same."""

from __future__ import annotations

import importlib.util
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.concepts import canonical_text
from precordia.core import bootstrap
from precordia.core.errors import InputError
from precordia.datasets.ptbxl import TABLE
from precordia.encoders.encoder import unit_rows
from precordia.encoders.text import load_text_encoder
from precordia.eval.harness.results import hash_of
from precordia.eval.harness.task import Result, Row, Settings, TaskCard
from precordia.eval.metrics.ranking import ndcg_at, shared_share
from precordia.eval.tasks.report_labels.data import Coded, read_coded

QUERIES: Final = 300
GALLERY: Final = 1500
"""Reports of a language that ask, and that are searched: one a patient, no text twice."""

FREQUENT: Final = 20
"""A code counts from so many reports on."""

K: Final = 10

OURS: Final = "canonical statements, MiniLM"

METRIC: Final = "nDCG@10, overlap of codes"

Vectors = NDArray[np.float32]
System = Callable[[Sequence[str]], Vectors]

CARD: Final = TaskCard(
    name="report-languages",
    summary="whether German and Swedish reports find English ones of the same codes, and the reverse, by several text vectors",
    protocol=(
        "PTB-XL's reports, one a patient, no text twice. Queries and what is searched are of patients on whom the vocabulary was "
        "not developed; what learns, learns on the others. Up to 300 queries and 1,500 reports a language; relevance is the "
        "overlap (Jaccard) of the SCP codes that at least 20 reports have. 95% intervals: bootstrap by patient, differences paired."
    ),
    source="Wagner et al., PTB-XL, Sci Data 2020;7:154 (CC BY 4.0)",
    headline=(METRIC,),
    runs=(),
    code=__name__,
)


class ReportLanguagesTask:
    """Across languages, without a signal."""

    card = CARD

    def run(self, settings: Settings) -> Result:
        """Measure."""
        folder = settings.data / "ptbxl"
        coded = read_coded(folder)
        codes = frequent(coded)
        learned_from = list(one_each([c for c in coded if not c.untouched], 2 * GALLERY))
        asked = {language: list(one_each([c for c in coded if c.untouched and c.language == language], GALLERY))
                 for language in ("en", "de", "sv")}  # fmt: skip
        if not asked["en"] or not asked["de"]:
            raise InputError(f"{folder / TABLE}: holds no English or no German reports; the task needs the whole table")
        ready = systems(learned_from, codes)
        rows: list[Row] = []
        pairs = [("de", "en"), ("en", "de"), ("sv", "en")]
        for query, searched in settings.progress(pairs, len(pairs), "searching", "pair"):
            first, second = asked[query][: settings.limit or QUERIES], asked[searched]
            if first:
                rows += self._rows(ready, first, second, codes, f"{query} asks {searched}", settings.seed)
        return Result(
            task=self.card.name,
            rows=tuple(rows),
            notes=(
                "what is learned from words alone has seen PTB-XL's codes; the vocabulary was written by hand beside its reports",
                *(() if importlib.util.find_spec("wordllama") else ("wordllama is not installed: left out",)),
            ),
            data={"ptbxl": hash_of([folder / TABLE], settings.data)},
        )

    def _rows(
        self,
        ready: dict[str, System],
        first: Sequence[Coded],
        second: Sequence[Coded],
        codes: Sequence[str],
        group: str,
        seed: int,
    ) -> Iterator[Row]:
        relevance = shared_share(stated(first, codes), stated(second, codes))
        patients = [str(c.patient) for c in first]
        found = {}
        for name, system in ready.items():
            similarity = system([c.text for c in first]) @ system([c.text for c in second]).T
            order = np.argsort(-similarity, axis=1, kind="stable")[:, :K]
            found[name] = ndcg_at(np.take_along_axis(relevance, order, axis=1), relevance, K)
        for name, each in found.items():
            mean = bootstrap.mean(each, patients, seed=seed)
            yield Row(name, METRIC, mean.value, mean.low, mean.high, mean.n, group)
        for name in found:
            if name != OURS:
                ahead = bootstrap.difference(found[OURS], found[name], patients, seed=seed)
                yield Row(OURS, f"{METRIC}: ahead of {name}", ahead.value, ahead.low, ahead.high, ahead.n, group)


def systems(learned_from: Sequence[Coded], codes: Sequence[str]) -> dict[str, System]:
    """Name to what turns reports into unit vectors."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline

    minilm = load_text_encoder()
    texts = [c.text for c in learned_from]
    latent = make_pipeline(_letters(TfidfVectorizer), TruncatedSVD(256, random_state=0)).fit(texts)
    taught = make_pipeline(_letters(TfidfVectorizer), Ridge(1.0)).fit(texts, stated(learned_from, codes).astype(float))
    out: dict[str, System] = {
        OURS: lambda reports: minilm.embed([canonical_text(r) or r for r in reports]),
        "reports as written, MiniLM": minilm.embed,
        "letters (TF-IDF of 2 to 5, 256 latent)": lambda reports: unit_rows(
            latent.transform(list(reports)).astype(np.float32)
        ),
        "letters taught the codes (ridge)": lambda reports: unit_rows(taught.predict(list(reports)).astype(np.float32)),
    }
    package = importlib.util.find_spec("wordllama")
    for place in (package.submodule_search_locations or []) if package else []:
        out["reports as written, WordLlama"] = TokenMeans(Path(place))
    return out


class TokenMeans:
    """Mean of static token vectors (WordLlama, MIT), from the package's files.

    Args:
        folder: Of the package.
    """

    def __init__(self, folder: Path) -> None:
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizers" / "l2_supercat_tokenizer_config.json"))
        self._tokenizer.no_padding()
        (self._table,) = load_file(folder / "weights" / "l2_supercat_256.safetensors").values()

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """``(n, 256)``, each row of unit L2 norm."""
        pieces = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return unit_rows(np.stack([self._table[piece.ids].astype(np.float32).mean(axis=0) for piece in pieces]))


def one_each(records: Sequence[Coded], most: int) -> Iterator[Coded]:
    """The first report of each patient, no text twice, up to a number."""
    patients: set[int] = set()
    texts: set[str] = set()
    for record in records:
        text = " ".join(record.text.split()).lower()
        if text and record.patient not in patients and text not in texts and len(texts) < most:
            patients.add(record.patient)
            texts.add(text)
            yield record


def frequent(records: Sequence[Coded]) -> list[str]:
    """Codes that enough records have."""
    counts = Counter(code for record in records for code in record.codes)
    return sorted(code for code, n in counts.items() if n >= FREQUENT)


def stated(records: Sequence[Coded], codes: Sequence[str]) -> NDArray[np.bool_]:
    """``(n, n_codes)`` which codes each has."""
    return np.array([[code in record.codes for code in codes] for record in records], dtype=np.bool_)


def _letters(vectorizer: type) -> object:
    return vectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=3, sublinear_tf=True)


REPORT_LANGUAGES = ReportLanguagesTask()
