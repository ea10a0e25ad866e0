"""``precordia eval encoder``: what frozen embeddings know, beside simple ones, with leads missing and noise added."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UsageError
from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.encoders.encoder import SignalEncoder
from precordia.eval.task import Result, Row, Settings
from precordia.eval.tasks.encoder_changes import fewer_leads, noises
from precordia.eval.tasks.encoder_probe import fit_probe
from precordia.eval.tasks.encoder_ptbxl import LabelledRecordings, load_ptbxl
from precordia.eval.tasks.encoder_rows import (
    Split,
    code_rows,
    few_label_rows,
    macro_row,
    probe_rows,
    retrieval_rows,
    samples,
    text_rows,
)
from precordia.records.standardize import standardize, to_windows

Embed = Callable[[Sequence[Recording]], NDArray[np.float32]]

PARTS: Final = ("probe", "codes", "labels", "retrieval", "leads", "noise", "text")


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
        split = Split(data, data.folds < fold, data.folds == fold - 1, data.folds == fold)
        rows: list[Row] = []
        systems = _systems(encoder, split, settings)
        vectors = {name: embed(data.recordings) for name, embed in systems.items()}
        truth, choose = data.superclasses[split.fit], split.choose[split.fit]
        probes = {name: fit_probe(v[split.fit], truth, choose) for name, v in vectors.items()}
        each: list[dict[str, object]] = []
        if "probe" in parts:
            rows += probe_rows(split, vectors, probes, settings.seed)
            each = samples(split, probes["precordia"].scores(vectors["precordia"][split.test]))
        if "codes" in parts:
            rows += code_rows(split, vectors, settings.seed)
        if "labels" in parts:
            rows += few_label_rows(split, vectors, settings.seed)
        if "retrieval" in parts:
            rows += retrieval_rows(split, vectors, settings.seed)
        changed = list(fewer_leads(settings.seed)) if "leads" in parts else []
        changed += list(noises(settings.seed)) if "noise" in parts else []
        for group, change in changed:
            altered = [change(r) for r in split.recordings(split.test)]
            for name in ("precordia", "log-spectra"):
                scores = probes[name].scores(systems[name](altered))
                rows.append(macro_row(name, "macro AUROC, superclasses", split, scores, settings.seed, group=group))
        if "text" in parts and encoder.text_projection is not None:
            rows += text_rows(split, encoder, vectors["precordia"][split.test], settings.seed)
        return Result(
            task=self.name,
            rows=tuple(rows),
            notes=(
                f"{int(split.fit.sum())} recordings to fit, {int(split.test.sum())} of {len(set(split.test_patients))} patients to "
                "score: intervals are wide, and differences below about 0.02 say nothing",
                "penalties: " + ", ".join(f"{name} C={probe.c:g}" for name, probe in probes.items()),
            ),
            samples=each,
            settings={"fold": str(fold), "parts": ",".join(parts), "encoder": encoder.fingerprint},
            data={"ptbxl": _hash(data)},
        )


def _systems(encoder: SignalEncoder, split: Split, settings: Settings) -> dict[str, Embed]:
    """Name to what turns recordings into vectors: ours, the same untrained, and two that learn next to nothing."""
    from precordia.encoders.checkpoint import untrained

    random = untrained(encoder.architecture, settings.seed)
    flat = _flat([standardize(r, encoder.spec) for r in split.recordings(split.fit)], encoder)
    mean = flat.mean(axis=0)
    basis = np.linalg.svd(flat - mean, full_matrices=False)[2][:64]

    def principal(recordings: Sequence[Recording]) -> NDArray[np.float32]:
        flat = _flat([standardize(r, encoder.spec) for r in recordings], encoder)
        out: NDArray[np.float32] = ((flat - mean) @ basis.T).astype(np.float32)
        return out

    def spectra(recordings: Sequence[Recording]) -> NDArray[np.float32]:
        signal = _flat([standardize(r, encoder.spec) for r in recordings], encoder).reshape(
            len(recordings), len(LEADS), -1
        )
        power = np.abs(np.fft.rfft(signal, axis=2))[:, :, :400] ** 2
        bands = power.reshape(len(recordings), len(LEADS), 40, 10).mean(axis=3)
        out: NDArray[np.float32] = np.log(bands + 1e-6).reshape(len(recordings), -1).astype(np.float32)
        return out

    return {"precordia": encoder.embed, "untrained": random.embed, "log-spectra": spectra, "PCA": principal}


def _flat(recordings: Sequence[Recording], encoder: SignalEncoder) -> NDArray[np.float32]:
    return np.stack([to_windows(r, encoder.spec).signal[0].ravel() for r in recordings])


def _limited(data: LabelledRecordings, limit: int | None) -> LabelledRecordings:
    if limit is None or limit >= len(data.recordings):
        return data
    rows = np.sort(np.random.default_rng(0).choice(len(data.recordings), limit, replace=False))
    return LabelledRecordings(
        tuple(data.recordings[i] for i in rows), data.superclasses[rows], data.codes[rows], data.code_names, data.folds[rows],
        tuple(data.patients[i] for i in rows),
    )  # fmt: skip


def _hash(data: LabelledRecordings) -> str:
    digest = hashlib.sha256()
    for recording in data.recordings:
        digest.update(recording.content_hash.encode())
    digest.update(np.packbits(data.superclasses).tobytes())
    return digest.hexdigest()


ENCODER = EncoderTask()
