"""``precordia eval encoder-transfer``: what was fitted on PTB-XL, asked of other archives without refitting anything."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.concepts.terms import SUPERCLASSES
from precordia.core import bootstrap
from precordia.encoders.encoder import SignalEncoder
from precordia.eval.harness.task import Result, Row, Settings, TaskCard
from precordia.eval.tasks.encoder.archives import CINC_FOLDERS, Archive, implied_by, read_cinc, read_ludb, targets
from precordia.eval.tasks.encoder.ptbxl import LabelledRecordings, load_ptbxl
from precordia.eval.tasks.encoder.rows import macro_estimate
from precordia.eval.tasks.encoder.systems import OURS, SYSTEMS, learners, networks_folder
from precordia.eval.tasks.encoder.task import choices
from precordia.eval.tasks.encoder.text import PROMPTS, aligned_text_encoder, prompt_scores, prompts_of

LEAST: Final = 5
LEAST_FIT: Final = 20
DEFAULT_SYSTEMS: Final = ("resnet", "measured", "together", "untrained", "spectra")
ZERO_SHOT_SYSTEM: Final = "precordia, zero-shot"

FINDINGS: Final = "findings"
SUPER: Final = "superclasses"


@dataclass(frozen=True, eq=False)
class _Place:
    """An archive's part of the block of all recordings.

    Attributes:
        archive: What it is.
        rows: Its rows of the scores of everything that is tested.
        columns: Question to the columns that can be asked of it.
    """

    archive: Archive
    rows: slice
    columns: Mapping[str, NDArray[np.intp]]


CARD: Final = TaskCard(
    name="encoder-transfer",
    summary="probes fitted on PTB-XL, asked of Chapman-Ningbo, CPSC, PTB Diagnostic and LUDB without refitting",
    protocol=(
        "Everything is fitted on PTB-XL folds 1-8 (settings chosen on fold 8) and applied unchanged. Findings of the other "
        "archives: SNOMED CT codes of the headers (CPSC2018 without headers: its classes), LUDB's diagnosis texts read by the "
        "labeller, both through the concepts table with all that a finding implies; asked are those with at least 5 recordings "
        "with and without, learned from at least 20. Superclasses: those of the findings. Zero-shot: canonical statements as "
        "prompts, as in the task zero-shot. Beside: PTB-XL fold 9 on every finding that is asked anywhere. 95% intervals: "
        "bootstrap by patient."
    ),
    source=(
        "Reyna et al., PhysioNet/CinC Challenge 2021 (CC BY 4.0; PTB Diagnostic: ODC-By 1.0); Kalyakulina et al., LUDB, IEEE "
        "Access 2020;8:186181 (ODC-By 1.0); Wagner et al., PTB-XL, Sci Data 2020;7:154 (CC BY 4.0)"
    ),
    headline=("macro AUROC*",),
    code=__name__,
)


class EncoderTransferTask:
    """Probes fitted on PTB-XL folds 1-8, scored on Chapman-Ningbo, CPSC2018, CPSC-Extra, PTB Diagnostic and LUDB 1-50."""

    card = CARD

    def run(self, settings: Settings) -> Result:
        """Measure."""
        from precordia.encoders.checkpoint import load_encoder

        wanted = settings.options.get("systems")
        names = choices(settings, "systems", tuple(SYSTEMS), alone=True) if wanted else DEFAULT_SYSTEMS
        encoder = load_encoder(settings.encoder)
        data = load_ptbxl(settings.data / "ptbxl")
        archives = [read_cinc(name, settings.data) for name in CINC_FOLDERS]
        archives += [read_ludb(settings.data / "ludb")]
        fit, choose = np.flatnonzero(data.folds < 9), data.folds[data.folds < 9] == 8
        home = _fold_9(data)
        questions, places = _questions(data, fit, home, archives)
        recordings = [*data.recordings, *(r for archive in archives for r in archive.recordings)]
        test = np.r_[np.flatnonzero(data.folds == 9), len(data.recordings) : len(recordings)]
        fitting = np.zeros(len(recordings), dtype=bool)
        fitting[fit] = True
        systems = learners(names, encoder, recordings, fitting, settings.seed, networks_folder(settings))
        padding = len(recordings) - len(data.recordings)
        scores: dict[tuple[str, str], NDArray[np.float64]] = {}
        for what, (labels, _) in questions.items():
            padded = np.pad(labels, ((0, padding), (0, 0)))
            for name, system in settings.progress(systems.items(), len(systems), f"learning {what}", "system"):
                scores[name, what] = system.learn(padded, fit, choose, test)
        if encoder.text_projection is not None:
            vectors = systems[OURS].vectors[test]  # type: ignore[attr-defined]
            scores |= {
                (ZERO_SHOT_SYSTEM, what): _prompted(encoder, vectors, what, questions[what][1]) for what in questions
            }
        rows = [row for place in places for row in _rows(place, questions, scores, settings.seed)]
        return Result(
            task=self.card.name,
            rows=tuple(rows),
            notes=tuple(_notes(places, archives)),
            samples=[sample for place in places for sample in _samples(place, questions, scores)],
            settings={"encoder": encoder.fingerprint, "systems": ",".join(names)},
            data={"ptbxl": _hash(data), **{archive.name: archive.data_hash for archive in archives}},
        )  # fmt: skip


def _fold_9(data: LabelledRecordings) -> Archive:
    rows = np.flatnonzero(data.folds == 9)
    stated = tuple(implied_by(_codes(data, int(i)), {}) for i in rows)
    return Archive("PTB-XL fold 9", tuple(data.recordings[i] for i in rows), stated, own=data.superclasses[rows])


def _codes(data: LabelledRecordings, row: int) -> list[str]:
    return [f"scp:{data.code_names[column]}" for column in np.flatnonzero(data.codes[row])]


def _questions(
    data: LabelledRecordings, fit: NDArray[np.intp], home: Archive, archives: list[Archive]
) -> tuple[dict[str, tuple[NDArray[np.bool_], tuple[str, ...]]], list[_Place]]:
    """Question to labels of PTB-XL and names of their columns; and what of them can be asked where."""
    stated = [implied_by(_codes(data, i), {}) for i in range(len(data.recordings))]
    concepts = sorted(set().union(*stated))
    all_labels = np.array([[concept in each for concept in concepts] for each in stated])
    asked = {archive.name: targets(archive, all_labels[fit], concepts, LEAST, LEAST_FIT) for archive in archives}
    names = tuple(sorted({name for some in asked.values() for name in some}))
    labels = all_labels[:, [concepts.index(name) for name in names]]
    questions = {SUPER: (data.superclasses, SUPERCLASSES), FINDINGS: (labels, names)}
    places, start = [], 0
    for archive in [home, *archives]:
        n = len(archive.recordings)
        truth = archive.superclasses()
        enough = np.flatnonzero((truth.sum(axis=0) >= LEAST) & (truth.sum(axis=0) <= n - LEAST))
        mine = names if archive is home else asked[archive.name]
        findings = np.array([names.index(name) for name in mine], dtype=np.intp)
        if archive is home:
            positive = archive.labels(names).sum(axis=0)
            findings = findings[(positive >= LEAST) & (positive <= n - LEAST)]
        places.append(_Place(archive, slice(start, start + n), {SUPER: enough, FINDINGS: findings}))
        start += n
    return questions, places


def _prompted(
    encoder: SignalEncoder, vectors: NDArray[np.float32], what: str, names: tuple[str, ...]
) -> NDArray[np.float64]:
    prompts = [PROMPTS[name] if what == SUPER else prompts_of([name]) for name in names]
    return prompt_scores(encoder.to_text_space(vectors), aligned_text_encoder(encoder), prompts)


def _truth(place: _Place, what: str, names: tuple[str, ...]) -> NDArray[np.bool_]:
    return place.archive.superclasses() if what == SUPER else place.archive.labels(names)


def _rows(
    place: _Place,
    questions: Mapping[str, tuple[NDArray[np.bool_], tuple[str, ...]]],
    scores: Mapping[tuple[str, str], NDArray[np.float64]],
    seed: int,
) -> Iterator[Row]:
    name, patients = place.archive.name, place.archive.patients
    for what, (_, names) in questions.items():
        columns = place.columns[what]
        if not columns.size:
            continue
        truth = _truth(place, what, names)
        for (system, question), each in scores.items():
            if question == what:
                found = macro_estimate(truth[:, columns], each[place.rows][:, columns], patients, seed)
                metric = f"macro AUROC, {what}"
                group = f"{name}: {len(columns)} {what}"
                yield Row(system, metric, found.value, found.low, found.high, found.n, group)
        for column in columns:
            for system in (OURS, ZERO_SHOT_SYSTEM):
                if (system, what) in scores:
                    points = scores[system, what][place.rows][:, column]
                    found = bootstrap.auroc(truth[:, column], points, patients, seed=seed)
                    group = f"{name}: {names[column]}, {int(truth[:, column].sum())} positive"
                    yield Row(system, f"AUROC, {what}", found.value, found.low, found.high, found.n, group)


def _samples(
    place: _Place,
    questions: Mapping[str, tuple[NDArray[np.bool_], tuple[str, ...]]],
    scores: Mapping[tuple[str, str], NDArray[np.float64]],
) -> Iterator[dict[str, object]]:
    for (system, what), each in scores.items():
        names = questions[what][1]
        truth = _truth(place, what, names)
        for row, (recording, patient) in enumerate(zip(place.archive.recordings, place.archive.patients, strict=True)):
            for column in place.columns[what]:
                yield {
                    "system": system,
                    "sample": f"{recording.recording_id}:{names[column]}",
                    "patient": patient,
                    "archive": place.archive.name,
                    "truth": bool(truth[row, column]),
                    "score": float(each[place.rows][row, column]),
                }


def _notes(places: list[_Place], archives: list[Archive]) -> Iterator[str]:
    for place in places:
        if not any(columns.size for columns in place.columns.values()):
            n = len(place.archive.recordings)
            yield f"{place.archive.name}: {n} recordings, no finding with {LEAST} of them on either side: no figure"
    for archive in archives:
        if archive.unknown:
            yield f"{archive.name}: codes that the vocabulary does not have, ignored: {', '.join(archive.unknown)}"
    sizes = ", ".join(str(len(archive.recordings)) for archive in archives)
    yield (
        f"{sizes} recordings: an AUROC of five positives moves by 0.1 when one of them changes places; these figures can show "
        "that a probe collapses elsewhere, not that it holds, and cannot rank systems"
    )
    yield "codes differ in meaning between archives (what one calls T wave change, another leaves out): an upper bound is not 1"


def _hash(data: LabelledRecordings) -> str:
    digest = hashlib.sha256(np.packbits(data.codes).tobytes())
    for recording in data.recordings:
        digest.update(recording.content_hash.encode())
    return digest.hexdigest()


ENCODER_TRANSFER = EncoderTransferTask()
