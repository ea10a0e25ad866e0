"""Gathers what the small language model learns from: PTB-XL's training folds, reports without signals, and simulation.

Only codes, canonical statements and questions of the ECG-QA builder are kept; the words of reports are read and left.
Precedents come from the recipe's archive folds and never from the ECG's own patient. The archive is the 100 Hz records
that are there in millivolts; ECGs that are known lead by lead only (packed arrays) are learned from, never cited.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from precordia.concepts import label_report, vocabulary
from precordia.core.errors import InputError
from precordia.core.findings import Finding
from precordia.core.recording import Recording
from precordia.datasets.ecgqa.builder.attributes import CODE_OF
from precordia.datasets.ecgqa.builder.build import build
from precordia.datasets.ecgqa.builder.cases import codes_of
from precordia.datasets.ecgqa.builder.facts import Facts
from precordia.datasets.ecgqa.builder.ptbxl import facts_of, validated
from precordia.datasets.ecgqa.builder.sampling import HELD_OUT, TRAIN, Caps
from precordia.datasets.ecgqa.builder.slots import Slot
from precordia.datasets.ecgqa.builder.templates import BY_ID
from precordia.datasets.ecgqa.questions import Question
from precordia.datasets.ptbxl import Row, read_table
from precordia.encoders import load_encoder
from precordia.encoders.amplitudes import typical_amplitudes
from precordia.encoders.corpus import AMPLITUDE
from precordia.encoders.encoder import SignalEncoder
from precordia.encoders.sources import read_packed, read_ptbxl
from precordia.fitting.reports.texts import agreement, indicators, stand_ins
from precordia.language_models.own_model.context import measured_words
from precordia.language_models.own_model.features import features_of
from precordia.language_models.own_model.material import Asked, Ecg, Material, Text, canonical
from precordia.language_models.own_model.questions import is_there
from precordia.language_models.own_model.recipe import Recipe
from precordia.measurements import measure

PRECEDENTS = 20
SIMULATED = 10_000_000
"""Numbers of simulated ECGs begin here, above PTB-XL's."""
_BATCH = 128
Read = tuple[Recording, bool]
Watch = Callable[[Iterable[Read], None, str], Iterable[Read]]


@dataclass(frozen=True, eq=False)
class Known:
    """One ECG on its way: everything but its precedents and questions.

    Attributes:
        number: PTB-XL's ``ecg_id``, or from ``SIMULATED`` on.
        patient: Its patient.
        fold: PTB-XL's, 0 for simulated ones.
        archived: Whether it may be a precedent.
        vector, steps: Of the encoder.
        measured: In words.
        findings: As the report states them.
    """

    number: int
    patient: str
    fold: int
    archived: bool
    vector: NDArray[np.float32]
    steps: NDArray[np.float16]
    measured: str
    findings: tuple[Finding, ...]


def gather(data: Path, recipe: Recipe, progress: Watch | None = None) -> Material:
    """The material of a recipe.

    Args:
        data: Holds ``ptbxl/`` and, where it is there, ``pretrain/``.
        recipe: Folds, encoder, number of simulated ECGs, seed.
        progress: Wraps the recordings as they are read.

    Raises:
        InputError: there is no PTB-XL.
    """
    rows, _ = read_table(data / "ptbxl")
    encoder = load_encoder(recipe.encoder)
    folds = {*recipe.archive, *recipe.held_out}
    recordings = _recordings(data, folds, recipe)
    known = list(_known(progress(recordings, None, "reading") if progress else recordings, encoder))
    if not any(k.archived for k in known):
        raise InputError(
            f"{data / 'ptbxl'}: no record of the folds {sorted(recipe.archive)}; name the folder with --data"
        )
    asked = _questions(known, rows, recipe)
    precedents = nearest(known, [k for k in known if k.archived and k.fold in recipe.archive])
    ecgs = [
        Ecg(
            _key(k),
            k.fold in recipe.held_out,
            k.vector,
            k.steps,
            k.measured,
            canonical(k.findings),
            near,
            asked[k.number],
        )
        for k, near in zip(known, precedents, strict=True)
    ]
    if not recipe.text_epochs:
        return Material(ecgs, [], recipe.encoder, encoder.fingerprint)
    texts = _texts({i: r for i, r in rows.items() if int(r["strat_fold"]) in recipe.archive}, known, ecgs, recipe)
    return Material(ecgs, texts, recipe.encoder, encoder.fingerprint)


def nearest(asked: Sequence[Known], archive: Sequence[Known]) -> list[tuple[tuple[str, float], ...]]:
    """Precedents of each ECG: the archive's nearest of other patients, as canonical statements with similarity."""
    matrix = np.stack([k.vector for k in archive])
    patients = np.array([k.patient for k in archive])
    words = [canonical(k.findings) for k in archive]
    out = []
    for k in asked:
        similarity = np.where(patients == k.patient, -np.inf, matrix @ k.vector)
        order = np.argsort(-similarity, kind="stable")
        near = [i for i in order[: 3 * PRECEDENTS].tolist() if words[i] and np.isfinite(similarity[i])][:PRECEDENTS]
        out.append(tuple((words[i], round(float(similarity[i]), 4)) for i in near))
    return out


def _recordings(data: Path, folds: set[int], recipe: Recipe) -> Iterator[Read]:
    """Recordings of the folds with whether they may be precedents; packed ones at typical amplitudes."""
    from precordia.core.leads import LEADS
    from precordia.simulation.simulator import simulate_batch

    sizes = []
    for recording in read_ptbxl(data / "ptbxl"):
        if int(recording.metadata["strat_fold"]) in folds:
            sizes.append(np.nan_to_num(recording.signal).std(axis=1))
            yield recording, True
    typical = np.median(sizes, axis=0).astype(np.float32) if sizes else np.full(len(LEADS), 0.15, np.float32)
    if (data / "pretrain" / "index.csv").is_file():
        for recording in read_packed(data / "pretrain", data / "ptbxl" / "ptbxl_database.csv"):
            if recording.metadata["dataset"] == "ptbxl" and int(recording.metadata["strat_fold"]) in folds:
                there = np.ones(len(LEADS), dtype=bool)
                yield replace(recording, signal=typical_amplitudes(recording.signal, there, typical)), False
    for number in range(recipe.simulated):
        batch = simulate_batch(1, recipe.seed, first=number)
        yield Recording(
            signal=batch.signal[0], fs=batch.fs, leads=LEADS, recording_id=f"simulated:{SIMULATED + number}",
            report=None, codes=tuple(f"{f.concept}|{f.status}" for f in batch.truths[0].findings),
            metadata={"dataset": "simulated", "strat_fold": "0"},
        ), False  # fmt: skip


def _known(recordings: Iterable[Read], encoder: SignalEncoder) -> Iterator[Known]:
    held: list[Read] = []
    for item in recordings:
        held.append(item)
        if len(held) == _BATCH:
            yield from _embedded(held, encoder)
            held = []
    if held:
        yield from _embedded(held, encoder)


def _embedded(held: Sequence[Read], encoder: SignalEncoder) -> Iterator[Known]:
    vectors, steps = features_of(encoder, [recording for recording, _ in held])
    for (recording, archived), vector, step in zip(held, vectors, steps, strict=True):
        if recording.metadata["dataset"] == "simulated":
            pairs = [code.split("|") for code in recording.codes]
            findings = tuple(Finding(concept, status) for concept, status in pairs)  # type: ignore[arg-type]
        else:
            findings = tuple(replace(f, span=(0, 0)) for f in label_report(recording.report or ""))
        words = measured_words(measure(recording), calibrated=AMPLITUDE not in recording.metadata)
        number = int(recording.recording_id.partition(":")[2])
        patient = recording.patient_id or recording.recording_id
        yield Known(number, patient, int(recording.metadata["strat_fold"]), archived, vector, step, words, findings)


def _questions(known: Sequence[Known], rows: Mapping[int, Row], recipe: Recipe) -> dict[int, Asked]:
    """Single-ECG questions by number, drawn apart for training, the held-out folds and simulation."""
    here = {k.number: k for k in known}
    training = [facts_of(rows[i]) for i, k in here.items() if k.fold in recipe.archive and validated(rows[i])]
    held = [facts_of(rows[i]) for i, k in here.items() if k.fold in recipe.held_out and validated(rows[i])]
    made = [Facts(i, k.patient, codes_of(k.findings)) for i, k in here.items() if i >= SIMULATED]
    asked: dict[int, list[tuple[str, str]]] = defaultdict(list)
    groups: list[tuple[list[Facts], Caps, Callable[[Slot], bool]]] = [
        (training, TRAIN, _single), (held, HELD_OUT, _single), (made, HELD_OUT, _of_statements)
    ]  # fmt: skip
    for facts, caps, wanted in groups:
        for question in build(facts, split="train", caps=caps, seed=recipe.seed, wanted=wanted) if facts else ():
            asked[question.ecgs[0]] += _worded(question)
    return {i: tuple(asked.get(i, ())) for i in here}


def _worded(question: Question) -> list[tuple[str, str]]:
    """A question with its answer; one about a statement also in the project's own words."""
    answer = ", ".join(sorted(question.answer))
    pairs = [(question.text, answer)]
    subject = BY_ID[question.template].subject
    if subject == "statement" and question.attributes[0] in CODE_OF:
        concept = CODE_OF[question.attributes[0]]
        if concept in vocabulary():
            pairs.append((is_there(concept), answer))
    return pairs


def _single(slot: Slot) -> bool:
    return not slot.template.compares and slot.template.attribute_type != "numeric_feature"


def _of_statements(slot: Slot) -> bool:
    return _single(slot) and slot.template.attribute_type == "scp_code" and slot.lead is None


def _texts(rows: Mapping[int, Row], known: Sequence[Known], ecgs: Sequence[Ecg], recipe: Recipe) -> list[Text]:
    """The reports of the archive folds whose signals are not there."""
    here = {k.number for k in known}
    found = {i: tuple(label_report(row["report"])) for i, row in rows.items() if i not in here}
    found = {i: findings for i, findings in sorted(found.items()) if canonical(findings)}
    if len(found) <= PRECEDENTS:
        return []
    numbers = list(found)
    patients = [rows[i]["patient_id"] for i in numbers]
    chosen = [e for e, k in zip(ecgs, known, strict=True) if e.held_out and k.archived and e.report and e.precedents]
    real = [agreement(*_pair(e)) for e in chosen[:400]]
    similarities = [[s for _, s in e.precedents] for e in chosen if len(e.precedents) == PRECEDENTS]
    near, _ = stand_ins(
        indicators([found[i] for i in numbers]),
        patients,
        PRECEDENTS,
        wanted=float(np.mean(real or [0.5])),
        seed=recipe.seed,
    )
    facts = [facts_of(rows[i]) for i in numbers if validated(rows[i])]
    asked: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for question in build(facts, split="train", caps=TRAIN, seed=recipe.seed, wanted=_of_statements):
        asked[question.ecgs[0]] += _worded(question)
    words = [canonical(found[i]) for i in numbers]
    rng = np.random.default_rng([recipe.seed, 5])
    texts = []
    for row, number in enumerate(numbers):
        levels = similarities[int(rng.integers(len(similarities)))] if similarities else [0.5] * PRECEDENTS
        precedents = tuple((words[j], level) for j, level in zip(near[row].tolist(), levels, strict=True))
        texts.append(Text(words[row], precedents, tuple(asked.get(number, ()))))
    return texts


def _pair(ecg: Ecg) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    found = indicators([label_report(text) for text in (ecg.report, *(text for text, _ in ecg.precedents[:5]))])
    return found[0], found[1:]


def _key(known: Known) -> str:
    return f"{'simulated' if known.number >= SIMULATED else 'ptbxl'}:{known.number}"
