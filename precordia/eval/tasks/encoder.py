"""``precordia eval encoder``: what frozen embeddings know, beside simple ones, with leads missing and noise added."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UsageError
from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.encoders.encoder import SignalEncoder, unit_rows
from precordia.encoders.noise import NOISES, add_noise
from precordia.eval import bootstrap
from precordia.eval.task import Result, Row, Settings
from precordia.eval.tasks.encoder_probe import Probe, fit_probe, macro_auroc, precision_at, reciprocal_ranks
from precordia.eval.tasks.encoder_ptbxl import SUPERCLASSES, LabelledRecordings, load_ptbxl
from precordia.records.standardize import standardize, to_windows

Embed = Callable[[Sequence[Recording]], NDArray[np.float32]]

PARTS: Final = ("probe", "codes", "labels", "retrieval", "leads", "noise", "text")
_SNRS_DB: Final = (12.0, 6.0, 0.0)
PROMPTS: Final[Mapping[str, tuple[str, ...]]] = {
    "NORM": ("normal ECG", "sinus rhythm. normal ECG", "within normal limits"),
    "MI": ("myocardial infarction", "old inferior myocardial infarction", "anteroseptal myocardial infarction"),
    "STTC": ("ST-T changes", "T wave inversion", "ST depression, ischaemia", "non-specific T wave changes"),
    "CD": ("conduction disturbance", "left bundle branch block", "right bundle branch block", "left anterior fascicular block",
           "first degree AV block"),
    "HYP": ("left ventricular hypertrophy", "right ventricular hypertrophy", "atrial enlargement"),
}  # fmt: skip
"""Texts that stand for a superclass in the zero-shot row; written before any result was seen, never tuned."""


@dataclass(frozen=True, eq=False)
class _Split:
    data: LabelledRecordings
    fit: NDArray[np.bool_]
    choose: NDArray[np.bool_]
    test: NDArray[np.bool_]

    @property
    def test_patients(self) -> list[str]:
        return [p for p, wanted in zip(self.data.patients, self.test, strict=True) if wanted]

    def recordings(self, rows: NDArray[np.bool_]) -> list[Recording]:
        return [r for r, wanted in zip(self.data.recordings, rows, strict=True) if wanted]


class EncoderTask:
    """Linear probes, retrieval, robustness and zero-shot on PTB-XL with a frozen encoder."""

    name = "encoder"
    summary = "what frozen embeddings know of five superclasses and twenty codes, with leads missing and noise added"
    protocol = (
        "PTB-XL 1.0.3 at 100 Hz, recordings present under DATA/ptbxl. Logistic regression on folds 1-8, its penalty chosen on "
        "fold 8 after fitting on 1-7; scored once on fold 9 (--set fold=8 tunes on fold 8 with 1-7 instead). Superclasses as "
        "Strodthoff et al. 2021. Robustness rows use the probe of whole clean ECGs. 95% intervals: bootstrap by patient."
    )
    source = "Wagner et al., PTB-XL, Sci Data 2020;7:154 (CC BY 4.0); Strodthoff et al., IEEE JBHI 2021;25:1519-1528"

    def run(self, settings: Settings) -> Result:
        """Measure."""
        from precordia.encoders.checkpoint import load_encoder

        fold = int(settings.options.get("fold", "9"))
        parts = tuple(settings.options.get("parts", ",".join(PARTS)).split(","))
        unknown = sorted(set(parts) - set(PARTS))
        if unknown:
            raise UsageError(f"parts: unknown {', '.join(unknown)} (choices: {', '.join(PARTS)})")
        encoder = load_encoder(settings.encoder)
        data = load_ptbxl(settings.data / "ptbxl")
        data = _limited(data, settings.limit)
        split = _Split(data, data.folds < fold, data.folds == fold - 1, data.folds == fold)
        rows: list[Row] = []
        systems = _systems(encoder, split, settings)
        vectors = {name: embed(data.recordings) for name, embed in systems.items()}
        probes = {name: fit_probe(v[split.fit], data.superclasses[split.fit], split.choose[split.fit]) for name, v in vectors.items()}
        samples: list[dict[str, object]] = []
        if "probe" in parts:
            rows += _probe_rows(split, vectors, probes, settings.seed)
            samples = _samples(split, probes["precordia"].scores(vectors["precordia"][split.test]))
        if "codes" in parts:
            rows += _code_rows(split, vectors, settings.seed)
        if "labels" in parts:
            rows += _few_label_rows(split, vectors, probes, settings.seed)
        if "retrieval" in parts:
            rows += _retrieval_rows(split, vectors, settings.seed)
        changed = [*(_lead_changes(settings.seed) if "leads" in parts else ()), *(_noises(settings.seed) if "noise" in parts else ())]
        for group, change in changed:
            altered = [change(r) for r in split.recordings(split.test)]
            for name in ("precordia", "log-spectra"):
                scores = probes[name].scores(systems[name](altered))
                rows.append(_macro(name, "macro AUROC, superclasses", split, scores, settings.seed, group=group))
        if "text" in parts and encoder.text_projection is not None:
            rows += _text_rows(split, encoder, vectors["precordia"][split.test], settings.seed)
        return Result(
            task=self.name,
            rows=tuple(rows),
            notes=(
                f"{int(split.fit.sum())} recordings to fit, {int(split.test.sum())} of {len(set(split.test_patients))} patients to "
                "score: intervals are wide, and differences below about 0.02 say nothing",
                "penalties: " + ", ".join(f"{name} C={probe.c:g}" for name, probe in probes.items()),
            ),
            samples=samples,
            settings={"fold": str(fold), "parts": ",".join(parts), "encoder": encoder.fingerprint},
            data={"ptbxl": _hash(data)},
        )


def _systems(encoder: SignalEncoder, split: _Split, settings: Settings) -> dict[str, Embed]:
    """Name to what turns recordings into unit vectors: ours, the same untrained, and two that learn next to nothing."""
    from precordia.encoders.checkpoint import untrained

    random = untrained(encoder.architecture, settings.seed)
    flat = _flat([standardize(r, encoder.spec) for r in split.recordings(split.fit)], encoder)
    mean = flat.mean(axis=0)
    basis = np.linalg.svd(flat - mean, full_matrices=False)[2][:256]

    def principal(recordings: Sequence[Recording]) -> NDArray[np.float32]:
        return unit_rows((_flat([standardize(r, encoder.spec) for r in recordings], encoder) - mean) @ basis.T)

    def spectra(recordings: Sequence[Recording]) -> NDArray[np.float32]:
        signal = _flat([standardize(r, encoder.spec) for r in recordings], encoder).reshape(len(recordings), len(LEADS), -1)
        power = np.abs(np.fft.rfft(signal, axis=2))[:, :, :400] ** 2
        bands = power.reshape(len(recordings), len(LEADS), 40, 10).mean(axis=3)
        return np.log(bands + 1e-6).reshape(len(recordings), -1).astype(np.float32)

    return {"precordia": encoder.embed, "untrained": random.embed, "log-spectra": spectra, "PCA": principal}


def _flat(recordings: Sequence[Recording], encoder: SignalEncoder) -> NDArray[np.float32]:
    return np.stack([to_windows(r, encoder.spec).signal[0].ravel() for r in recordings])


def _macro(
    system: str, metric: str, split: _Split, scores: NDArray[np.float64], seed: int, *, group: str = "", goal: float | None = None
) -> Row:
    labels = split.data.superclasses[split.test]
    found = bootstrap.statistic(
        lambda rows: macro_auroc(labels[rows], scores[rows]), len(labels), split.test_patients, seed=seed
    )
    return Row(system, metric, found.value, found.low, found.high, found.n, group, goal)


def _probe_rows(
    split: _Split, vectors: Mapping[str, NDArray[np.float32]], probes: Mapping[str, Probe], seed: int
) -> Iterator[Row]:
    for name, probe in probes.items():
        scores = probe.scores(vectors[name][split.test])
        yield _macro(name, "macro AUROC, superclasses", split, scores, seed, goal=0.86 if name == "precordia" else None)
    scores = probes["precordia"].scores(vectors["precordia"][split.test])
    for column, superclass in enumerate(SUPERCLASSES):
        truth = split.data.superclasses[split.test][:, column]
        found = bootstrap.auroc(truth, scores[:, column], split.test_patients, seed=seed)
        yield Row("precordia", "AUROC", found.value, found.low, found.high, found.n, superclass)


def _code_rows(split: _Split, vectors: Mapping[str, NDArray[np.float32]], seed: int) -> Iterator[Row]:
    top = np.sort(np.argsort(-split.data.codes[split.fit].sum(axis=0), kind="stable")[:20])
    labels = split.data.codes[:, top]
    for name, v in vectors.items():
        probe = fit_probe(v[split.fit], labels[split.fit], split.choose[split.fit])
        scores, truth = probe.scores(v[split.test]), labels[split.test]
        found = bootstrap.statistic(
            lambda rows, s=scores, t=truth: macro_auroc(t[rows], s[rows]), len(truth), split.test_patients, seed=seed  # type: ignore[misc]
        )
        yield Row(name, "macro AUROC, 20 most frequent codes", found.value, found.low, found.high, found.n)


def _few_label_rows(
    split: _Split, vectors: Mapping[str, NDArray[np.float32]], probes: Mapping[str, Probe], seed: int
) -> Iterator[Row]:
    """Mean scores over ten draws of the labelled part, penalty as chosen with all labels."""
    fit = np.flatnonzero(split.fit)
    for share in (0.01, 0.1):
        draws = [np.random.default_rng([seed, i]).choice(fit, max(round(share * len(fit)), 5), replace=False) for i in range(10)]
        for name, v in vectors.items():
            each = [fit_probe(v[rows], split.data.superclasses[rows], None, 1e-2).scores(v[split.test]) for rows in draws]
            values = [macro_auroc(split.data.superclasses[split.test], scores) for scores in each]
            yield Row(name, f"macro AUROC, superclasses, {share:.0%} of labels (mean of 10 draws)", float(np.mean(values)),
                      float(np.min(values)), float(np.max(values)), int(split.test.sum()), "low and high: of the draws")  # fmt: skip


def _retrieval_rows(split: _Split, vectors: Mapping[str, NDArray[np.float32]], seed: int) -> Iterator[Row]:
    labels = split.data.superclasses
    for name, v in vectors.items():
        unit = unit_rows(v)
        shares = precision_at(unit[split.test], unit[split.fit], labels[split.test], labels[split.fit])
        found = bootstrap.mean(shares, split.test_patients, seed=seed)
        yield Row(name, "precision@10, shared superclass", found.value, found.low, found.high, found.n)
    chance = (labels[split.test][:, None, :] & labels[split.fit][None]).any(axis=2).mean()
    yield Row("chance", "precision@10, shared superclass", float(chance), n=int(split.test.sum()))


def _text_rows(split: _Split, encoder: SignalEncoder, vectors: NDArray[np.float32], seed: int) -> Iterator[Row]:
    from precordia.concepts import canonical_text
    from precordia.encoders.text import load_text_encoder

    text_encoder = load_text_encoder()
    space = encoder.to_text_space(vectors)
    scores = np.stack(
        [(space @ text_encoder.embed(list(PROMPTS[name])).T).mean(axis=1) for name in SUPERCLASSES], axis=1
    ).astype(np.float64)
    yield _macro("precordia, zero-shot", "macro AUROC, superclasses", split, scores, seed, goal=0.85)
    texts = [canonical_text(r.report or "") for r in split.recordings(split.test)]
    kept = [i for i, text in enumerate(texts) if text]
    words = [texts[i] for i in kept]
    patients = [split.test_patients[i] for i in kept]
    similarity = (space[kept] @ text_encoder.embed(words).T).astype(np.float32)
    for metric, table in (("ECG to its report", similarity), ("report to its ECG", similarity.T)):
        found = bootstrap.mean(reciprocal_ranks(table, words), patients, seed=seed)
        yield Row("precordia", f"mean reciprocal rank, {metric}", found.value, found.low, found.high, found.n)


def _lead_changes(seed: int) -> Iterator[tuple[str, Callable[[Recording], Recording]]]:
    def only(leads: Sequence[str]) -> Callable[[Recording], Recording]:
        return lambda r: replace(r, signal=r.signal[[r.leads.index(x) for x in leads]], leads=tuple(leads))

    def half(r: Recording) -> Recording:
        drawn = _rng(seed, r).choice(len(LEADS), 6, replace=False)
        return only([LEADS[i] for i in sorted(drawn)])(r)

    yield "leads: I", only(("I",))
    yield "leads: I, II", only(("I", "II"))
    yield "leads: limb", only(LEADS[:6])
    yield "leads: chest", only(LEADS[6:])
    yield "leads: random six", half
    yield "first 5 s", lambda r: replace(r, signal=r.signal[:, : round(5 * r.fs)])


def _noises(seed: int) -> Iterator[tuple[str, Callable[[Recording], Recording]]]:
    for kind in NOISES:
        for snr_db in _SNRS_DB:

            def change(r: Recording, kind: str = kind, snr_db: float = snr_db) -> Recording:
                return replace(r, signal=add_noise(r.signal, r.fs, kind, snr_db, _rng(seed, r)))

            yield f"{kind.replace('_', ' ')}, {snr_db:g} dB", change


def _rng(seed: int, recording: Recording) -> np.random.Generator:
    return np.random.default_rng([seed, int(hashlib.sha256(recording.recording_id.encode()).hexdigest()[:8], 16)])


def _limited(data: LabelledRecordings, limit: int | None) -> LabelledRecordings:
    if limit is None or limit >= len(data.recordings):
        return data
    rows = np.sort(np.random.default_rng(0).choice(len(data.recordings), limit, replace=False))
    return LabelledRecordings(
        tuple(data.recordings[i] for i in rows), data.superclasses[rows], data.codes[rows], data.code_names, data.folds[rows],
        tuple(data.patients[i] for i in rows),
    )  # fmt: skip


def _samples(split: _Split, scores: NDArray[np.float64]) -> list[dict[str, object]]:
    labels = split.data.superclasses[split.test]
    return [
        {"recording_id": r.recording_id, "patient": p}
        | {f"score_{s}": float(scores[i, j]) for j, s in enumerate(SUPERCLASSES)}
        | {f"truth_{s}": bool(labels[i, j]) for j, s in enumerate(SUPERCLASSES)}
        for i, (r, p) in enumerate(zip(split.recordings(split.test), split.test_patients, strict=True))
    ]


def _hash(data: LabelledRecordings) -> str:
    digest = hashlib.sha256()
    for recording in data.recordings:
        digest.update(recording.content_hash.encode())
    digest.update(np.packbits(data.superclasses).tobytes())
    return digest.hexdigest()


ENCODER = EncoderTask()
