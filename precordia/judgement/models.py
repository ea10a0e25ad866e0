"""Models of an archive's findings: from an ECG's numbers to the probability that its report would state each finding.

One ridge-penalised logistic regression a finding, on the archive's own cases. What a report states is closed under
implication before it is learned from, so that the probability of a finding is not below that of a more special one by
more than the fit allows. Kept without pickle, with format, encoder, checksum and what it was fitted on.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
from numpy.typing import ArrayLike, NDArray

from precordia.core.case import Case
from precordia.core.errors import MismatchError
from precordia.core.findings import Measurements
from precordia.core.recording import Recording
from precordia.indexing.durable import make_folder, remove, write_atomically
from precordia.indexing.erasure import LEARNED
from precordia.judgement.inputs import inputs_of, recorder_of
from precordia.judgement.promise import NEVER
from precordia.judgement.scaling import Scaling

FORMAT: Final = "precordia-finding-models-1"
FOLDER: Final = LEARNED
RECORDER_SCALE: Final = 10.0
"""Of the recorders' inputs, so that the penalty leaves a recorder's habits free: chosen on PTB-XL folds 7 and 8 (devices) and by
threefold cross-validation on LUDB 1-50 among PTB-XL, of 0, 3, 6 and 10."""
_ARRAYS: Final = "models-*.npz"
_DOCUMENT: Final = "models.json"


@dataclass(frozen=True)
class Promise:
    """What a share of wrong statements is kept to, and on how many patients that rests.

    Attributes:
        risk: Share of wrong statements allowed among those said without "possible".
        sure_from: Probability from which a statement is said so; above 1 where no threshold keeps to the risk.
        kept: Share of the statements that are.
        n_statements, n_patients: What it was chosen on, each held back from the models that judged it.
        withdrawn: Why nothing is promised, for people; empty where it holds.
    """

    risk: float
    sure_from: float = NEVER
    kept: float = 0.0
    n_statements: int = 0
    n_patients: int = 0
    withdrawn: str = ""

    def __str__(self) -> str:
        if self.withdrawn:
            return f"none: {self.withdrawn}"
        return (
            f"of the statements without 'possible' at most {self.risk:.0%} are not in the report of such an ECG "
            f"({self.kept:.0%} of {self.n_statements} statements about {self.n_patients} patients kept back)"
        )


@dataclass(frozen=True)
class Recorders:
    """Carts and sampling rates as inputs: one each, 0 on average, and 0 where an ECG's is not among them.

    Attributes:
        names: As :func:`~precordia.judgement.inputs.recorder_of` gives them.
        shares: Of the cases, each.
        known: Those of enough cases to be known, also where there is but one.
    """

    names: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()
    known: tuple[str, ...] = ()

    @classmethod
    def of(cls, recorders: Sequence[tuple[str, ...]], least: int) -> Recorders:
        """Those of at least ``least`` of the cases, where there are several to tell apart."""
        counts = Counter(name for names in recorders for name in names)
        known = tuple(sorted(name for name, n in counts.items() if n >= least))
        names = tuple(name for name in known if counts[name] < len(recorders))
        return cls(names, tuple(round(counts[name] / len(recorders), 6) for name in names), known)

    def hold(self, recorder: tuple[str, ...]) -> bool:
        """Whether an ECG's recorder is among them: by its device, or, where none is told, by its rate."""
        return not self.known or recorder[0] in self.known

    def columns(self, recorders: Sequence[tuple[str, ...]]) -> NDArray[np.float64]:
        """``(n, names)`` of ``(n,)`` recorders."""
        out = np.zeros((len(recorders), len(self.names)))
        kinds = [name.partition(":")[0] for name in self.names]
        for row, known in enumerate(recorders):
            told = {name.partition(":")[0] for name in known if name in self.names}
            for column, (name, share) in enumerate(zip(self.names, self.shares, strict=True)):
                if kinds[column] in told:
                    out[row, column] = RECORDER_SCALE * ((name in known) - share)
        return out


@dataclass(frozen=True, eq=False)
class FindingModels:
    """The models of an archive's findings.

    Attributes:
        encoder: Fingerprint of the encoder whose vectors they take.
        concepts: The findings, in the order of the columns.
        scaling: Of the inputs.
        weights: ``(inputs + recorders, findings)``.
        bias: ``(findings,)``.
        recorders: Whose habits are told apart: inputs behind the others.
        slope, shift: From log-odds to calibrated log-odds, on cases held back.
        counts: Cases that state each finding, in the sample.
        n_cases, n_patients: The sample.
        n_archive: Cases that the archive had with something written about them.
        promise: For statements.
    """

    encoder: str
    concepts: tuple[str, ...]
    scaling: Scaling
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]
    recorders: Recorders = field(default_factory=lambda: Recorders())
    slope: float = 1.0
    shift: float = 0.0
    counts: Mapping[str, int] = field(default_factory=dict)
    n_cases: int = 0
    n_patients: int = 0
    n_archive: int = 0
    promise: Promise = field(default_factory=lambda: Promise(0.2, withdrawn="nothing was held back to choose it on"))

    def __repr__(self) -> str:
        return f"FindingModels({len(self.concepts)} findings, {self.n_cases} cases of {self.n_patients} patients)"

    def probabilities(
        self, inputs: NDArray[np.float64], recorders: Sequence[tuple[str, ...]] = ()
    ) -> NDArray[np.float64]:
        """``(n, findings)`` calibrated.

        Args:
            inputs: ``(n, inputs)`` as :func:`~precordia.judgement.inputs.inputs_of` gives them.
            recorders: ``(n,)`` as :func:`~precordia.judgement.inputs.recorder_of` gives them; none is known without them.
        """
        behind = self.recorders.columns(recorders or [()] * len(inputs))
        z = np.hstack([self.scaling.apply(inputs), behind]) @ self.weights + self.bias
        found: NDArray[np.float64] = 1 / (1 + np.exp(-np.clip(self.slope * z + self.shift, -12.0, 12.0)))
        return found

    def chances(self, recording: Recording, measurements: Measurements, vector: ArrayLike) -> dict[str, float]:
        """Each finding's probability for one ECG.

        Args:
            recording: The ECG; its age, sex, device and rate count.
            measurements: Of it.
            vector: ``(dim,)`` of it.
        """
        row = inputs_of(vector, measurements, recording.age, recording.sex)
        found = self.probabilities(row[None, :], [recorder_of(recording.device, recording.fs)])[0]
        return dict(zip(self.concepts, found.tolist(), strict=True))

    def covers(self, recording: Recording) -> bool:
        """Whether what is promised is promised of such an ECG: its recorder is one of the archive's."""
        return not self.promise.withdrawn and self.recorders.hold(recorder_of(recording.device, recording.fs))

    def likeness(
        self, chances: Mapping[str, float], cases: Sequence[Case], vectors: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """How alike each case is to an ECG in what the models see of both: the cosine of their findings' probabilities.

        The reports of the cases have no part in it beyond what the models have learned.

        Args:
            chances: Of the ECG.
            cases: ``(n,)``.
            vectors: ``(n, dim)`` of the cases.

        Returns:
            ``(n,)``, 0 to 1.
        """
        if not cases:
            return np.zeros(0)
        rows = [inputs_of(v, c.measurements, c.age, c.sex) for c, v in zip(cases, vectors, strict=True)]
        theirs = self.probabilities(np.stack(rows), [recorder_of(c.device, c.fs) for c in cases])
        own = np.array([chances[concept] for concept in self.concepts])
        alike: NDArray[np.float64] = theirs @ own / (np.linalg.norm(theirs, axis=1) * np.linalg.norm(own))
        return alike

    def save(self, kb: Path) -> None:
        """Write them into a knowledge base; equal models give equal files."""
        folder = kb / FOLDER
        make_folder(folder)
        buffer = BytesIO()
        np.savez(
            buffer,
            median=self.scaling.median.astype(np.float32), mean=self.scaling.mean.astype(np.float32),
            sd=self.scaling.sd.astype(np.float32), flagged=self.scaling.flagged,
            weights=self.weights.astype(np.float32), bias=self.bias.astype(np.float32),
        )  # fmt: skip
        content = buffer.getvalue()
        digest = hashlib.sha256(content).hexdigest()
        document = {
            "format": FORMAT,
            "sha256": digest,
            "encoder": self.encoder,
            "concepts": list(self.concepts),
            "recorders": list(self.recorders.names),
            "recorder_shares": list(self.recorders.shares),
            "known_recorders": list(self.recorders.known),
            "slope": self.slope,
            "shift": self.shift,
            "counts": dict(self.counts),
            "n_cases": self.n_cases,
            "n_patients": self.n_patients,
            "n_archive": self.n_archive,
            "promise": asdict(self.promise),
        }
        # Whatever kills this leaves the former models or these: the document names its file by content.
        arrays = _arrays_of(folder, digest)
        write_atomically(arrays, content)
        write_atomically(folder / _DOCUMENT, (json.dumps(document, indent=1) + "\n").encode())
        # Former models, and what a kill has left half written.
        for other in folder.iterdir():
            if other not in (arrays, folder / _DOCUMENT):
                remove(other)


def load(kb: Path, encoder: str) -> FindingModels | None:
    """The models that a knowledge base keeps for an encoder; None where there are none.

    Raises:
        MismatchError: the files are damaged, or belong to another encoder or version; says how to make them anew.
    """
    folder = kb / FOLDER
    if not (folder / _DOCUMENT).is_file():
        return None
    try:
        d = json.loads((folder / _DOCUMENT).read_text(encoding="utf-8"))
        content = _arrays_of(folder, str(d["sha256"])).read_bytes()
        if d["format"] != FORMAT or d["encoder"] != encoder:
            raise KeyError("format or encoder")
        if hashlib.sha256(content).hexdigest() != d["sha256"]:
            raise ValueError("checksum")
        with np.load(BytesIO(content), allow_pickle=False) as file:
            a: dict[str, NDArray[Any]] = {name: file[name] for name in file.files}
        return FindingModels(
            d["encoder"],
            tuple(d["concepts"]),
            Scaling(
                a["median"].astype(np.float64), a["mean"].astype(np.float64), a["sd"].astype(np.float64), a["flagged"]
            ),
            a["weights"].astype(np.float64),
            a["bias"].astype(np.float64),
            Recorders(
                tuple(d["recorders"]), tuple(d["recorder_shares"]), tuple(d.get("known_recorders", d["recorders"]))
            ),
            d["slope"], d["shift"], d["counts"], d["n_cases"], d["n_patients"], d["n_archive"],
            Promise(**d["promise"]),
        )  # fmt: skip
    except (OSError, EOFError, ValueError, KeyError, TypeError, BadZipFile) as error:
        raise MismatchError(
            f"{folder}: its finding models are damaged or of another version; "
            f"make them anew: precordia build --refit --kb {kb}"
        ) from error


def forget(kb: Path) -> None:
    """Remove what a knowledge base keeps; nothing where there is nothing."""
    for file in (kb / FOLDER).glob("*"):
        remove(file)


def _arrays_of(folder: Path, digest: str) -> Path:
    return folder / f"models-{digest[:16]}.npz"


def damaged(folder: Path) -> list[str]:
    """Names of the files in a knowledge base's folder of models that are not what was written; a check asks."""
    document = folder / _DOCUMENT
    if not document.is_file():
        return []
    try:
        load(folder.parent, json.loads(document.read_text(encoding="utf-8"))["encoder"])
    except (MismatchError, OSError, ValueError, KeyError, TypeError):
        return sorted([_DOCUMENT, *(file.name for file in folder.glob(_ARRAYS))])
    return []
