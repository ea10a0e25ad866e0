"""What is fitted for answers: linear probes of an ECG's numbers, how far to trust them and the precedents' vote, and priors.

Fitted by ``precordia train answers`` on labelled ECGs; :func:`shipped` reads the file that ships with
Precordia, which holds for one encoder only. For how, see docs/generation.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import InputError
from precordia.core.leads import CHEST_LEADS, LEADS, LIMB_LEADS
from precordia.generation.answers.asked import Groups
from precordia.generation.answers.features import Features
from precordia.generation.answers.priors import AskedBefore
from precordia.judgement.calibration import Calibration
from precordia.judgement.evidence import Evidence
from precordia.judgement.scaling import Scaling

FORMAT = "precordia-answers-1"
_FILE = Path(__file__).parent / "answers.npz"
_VOTES = 20.0
_PRIOR_VOTES = 5.0
"""How many voters the vote and the prevalence count for in the vote's log-odds."""
_MEMBERS = {"limb leads": LIMB_LEADS, "chest leads": CHEST_LEADS}


@dataclass(frozen=True, eq=False)
class Probes:
    """One linear probe a target.

    Attributes:
        targets: In the order of the rows.
        scaling: Of the inputs.
        weights: ``(targets, inputs)``.
        bias: ``(targets,)``.
    """

    targets: tuple[str, ...]
    scaling: Scaling
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]


def whole_inputs(features: Features) -> NDArray[np.float64]:
    """``(n,)``: what probes of a whole ECG see: embedding, measurements, disturbances."""
    return np.concatenate([features.embedding, features.measured, features.noise])


def lead_inputs(features: Features, log_odds: float) -> NDArray[np.float64]:
    """``(12, n)``: what probes of a lead see: its own numbers, which lead it is, and the log-odds for the whole ECG."""
    return np.hstack([features.leads, 2 * np.eye(len(LEADS)), np.full((len(LEADS), 1), log_odds)])


@dataclass(frozen=True)
class Trust:
    """Log-odds as a sum: ``prior + shift + probe (probe's - prior) + vote (vote's - prior)``.

    Attributes:
        shift, probe, vote: The coefficients.
    """

    shift: float = 0.0
    probe: float = 1.0
    vote: float = 0.0


@dataclass(frozen=True, eq=False)
class FittedAnswers:
    """All that is fitted, for one encoder.

    Attributes:
        encoder: Fingerprint.
        source: On what it was fitted.
        groups: What can be asked.
        prevalence: Target to its share of the ECGs it was fitted on.
        concepts: Target to the finding whose vote counts for it; targets without one are left out.
        probes: Of whole ECGs.
        lead_probes: Of single leads, by the target that is placed there.
        trust: "voted", "unvoted" and "lead" to how far probe and vote are trusted.
        asked: How questions of each form are usually answered.
        sharpness: Kind of question to what its evidence counts, 0 to 1; less than 1 where targets depend on one another.
        curves: Kind of question to how often its likeliest answer was right at each posterior probability.
        least_confidence: Kind of question, or with ", disturbance", to the confidence below which an answer is withheld.
        risk: Kind of question to the share of wrong answers, among those not withheld, that this keeps to.
    """

    encoder: str
    source: str
    groups: Groups
    prevalence: Mapping[str, float]
    concepts: Mapping[str, str]
    probes: Probes
    lead_probes: Probes
    trust: Mapping[str, Trust]
    asked: AskedBefore = field(default_factory=AskedBefore)
    sharpness: Mapping[str, float] = field(default_factory=dict)
    curves: Mapping[str, Calibration] = field(default_factory=dict)
    least_confidence: Mapping[str, float] = field(default_factory=dict)
    risk: Mapping[str, float] = field(default_factory=dict)


class Belief:
    """How likely each target is of one ECG.

    Args:
        fitted: The probes.
        features: Of the ECG.
        evidence: Of the ECG; its precedents vote.
    """

    def __init__(self, fitted: FittedAnswers, features: Features, evidence: Evidence) -> None:
        self.fitted, self.features, self.evidence = fitted, features, evidence
        self.inputs = fitted.probes.scaling.apply(whole_inputs(features)[None, :])[0]
        scores = fitted.probes.weights @ self.inputs + fitted.probes.bias
        self.scores = dict(zip(fitted.probes.targets, scores.tolist(), strict=True))
        self._leads: dict[str, NDArray[np.float64]] = {}
        self._odds: dict[str, float] = {}

    def probability(self, target: str) -> float:
        """0 to 1; never quite either."""
        if "@" in target:
            return float(_logistic(self._in_lead(*target.split("@"))))
        return float(_logistic(np.array(self.log_odds(target))))

    def prevalence(self, target: str) -> float:
        """0 to 1, of the ECGs that were fitted on; never quite either."""
        return min(max(self.fitted.prevalence.get(target, 1e-3), 1e-4), 1 - 1e-4)

    def log_odds(self, target: str) -> float:
        """Of a target of the whole ECG."""
        if target not in self._odds:
            prior = logit(self.prevalence(target))
            concept = self.fitted.concepts.get(target)
            trust = self.fitted.trust["voted" if concept and self.evidence.jury else "unvoted"]
            odds = prior + trust.shift + trust.probe * (self.scores.get(target, prior) - prior)
            if concept and self.evidence.jury:
                odds += trust.vote * (self.voted(target) - prior)
            self._odds[target] = odds
        return self._odds[target]

    def voted(self, target: str) -> float:
        """Log-odds of a target by the precedents' vote alone, drawn towards its prevalence."""
        concept = self.fitted.concepts[target]
        share = self.evidence.vote(concept).support
        return logit((share * _VOTES + self.prevalence(target) * _PRIOR_VOTES) / (_VOTES + _PRIOR_VOTES))

    def _in_lead(self, target: str, lead: str) -> NDArray[np.float64]:
        if target not in self._leads:
            probes, trust = self.fitted.lead_probes, self.fitted.trust["lead"]
            prior = np.array([logit(self.prevalence(f"{target}@{name}")) for name in LEADS])
            odds = prior
            if target in probes.targets:
                row = probes.targets.index(target)
                raw = lead_inputs(self.features, self.log_odds(target))
                score = probes.scaling.apply(raw) @ probes.weights[row] + probes.bias[row]
                odds = prior + trust.shift + trust.probe * (score - prior)
            self._leads[target] = odds
        members = _MEMBERS.get(lead, (lead,))
        found = self._leads[target][[LEADS.index(name) for name in members]]
        return np.array(logit(float(_logistic(found).mean())))


def logit(p: float) -> float:
    """Log-odds."""
    p = min(max(p, 1e-6), 1 - 1e-6)
    return float(np.log(p / (1 - p)))


def _logistic(z: NDArray[np.float64]) -> NDArray[np.float64]:
    p: NDArray[np.float64] = 1 / (1 + np.exp(-np.clip(z, -12.0, 12.0)))
    return p


@lru_cache(maxsize=1)
def shipped() -> FittedAnswers | None:
    """What ships with Precordia, or None."""
    return load(_FILE) if _FILE.is_file() else None


def shipped_for(fingerprint: str) -> FittedAnswers | None:
    """What ships with Precordia if it was fitted for an encoder, else None."""
    fitted = shipped()
    return fitted if fitted is not None and fitted.encoder == fingerprint else None


def save(fitted: FittedAnswers, path: Path) -> None:
    """Write one file; equal fits give equal contents."""
    document = {
        "format": FORMAT,
        "encoder": fitted.encoder,
        "source": fitted.source,
        "groups": {name: list(members) for name, members in fitted.groups.items()},
        "prevalence": {target: round(share, 6) for target, share in fitted.prevalence.items()},
        "concepts": dict(fitted.concepts),
        "targets": list(fitted.probes.targets),
        "lead_targets": list(fitted.lead_probes.targets),
        "trust": {name: [t.shift, t.probe, t.vote] for name, t in fitted.trust.items()},
        "exact": _counted(fitted.asked.exact),
        "wide": _counted(fitted.asked.wide),
        "sharpness": dict(fitted.sharpness),
        "curves": {
            kind: {"supports": curve.supports, "probabilities": curve.probabilities, "n": curve.n}
            for kind, curve in fitted.curves.items()
        },
        "least_confidence": dict(fitted.least_confidence),
        "risk": dict(fitted.risk),
    }
    arrays: dict[str, Any] = {"document": np.array(json.dumps(document, sort_keys=True))}
    for name, probes in (("whole", fitted.probes), ("lead", fitted.lead_probes)):
        arrays |= {
            f"{name}_median": probes.scaling.median.astype(np.float32),
            f"{name}_mean": probes.scaling.mean.astype(np.float32),
            f"{name}_sd": probes.scaling.sd.astype(np.float32),
            f"{name}_flagged": probes.scaling.flagged,
            f"{name}_weights": probes.weights.astype(np.float32),
            f"{name}_bias": probes.bias.astype(np.float32),
        }
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)


def load(path: Path) -> FittedAnswers:
    """Read what :func:`save` wrote.

    Raises:
        InputError: it is not such a file.
    """
    try:
        # The content first: NumPy leaves a file open that turns out to be no archive.
        with np.load(BytesIO(path.read_bytes()), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        d = json.loads(str(arrays["document"]))
        if d["format"] != FORMAT:
            raise KeyError(d["format"])
        return FittedAnswers(
            encoder=d["encoder"],
            source=d["source"],
            groups={name: tuple(members) for name, members in d["groups"].items()},
            prevalence=d["prevalence"],
            concepts=d["concepts"],
            probes=_probes("whole", tuple(d["targets"]), arrays),
            lead_probes=_probes("lead", tuple(d["lead_targets"]), arrays),
            trust={name: Trust(*values) for name, values in d["trust"].items()},
            asked=AskedBefore(_counts(d["exact"]), _counts(d["wide"])),
            sharpness=d["sharpness"],
            curves={
                kind: Calibration(tuple(c["supports"]), tuple(c["probabilities"]), d["source"], c["n"])
                for kind, c in d.get("curves", {}).items()
            },
            least_confidence=d["least_confidence"],
            risk=d["risk"],
        )
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, BadZipFile) as error:
        raise InputError(
            f"{path}: is no file of fitted answers in format {FORMAT}; write one with "
            "`precordia train answers --out FILE`"
        ) from error


def _probes(name: str, targets: tuple[str, ...], arrays: Mapping[str, NDArray[Any]]) -> Probes:
    median, mean, sd, weights, bias = (
        arrays[f"{name}_{part}"].astype(np.float64) for part in ("median", "mean", "sd", "weights", "bias")
    )
    return Probes(targets, Scaling(median, mean, sd, arrays[f"{name}_flagged"]), weights, bias)


def _counted(counts: Mapping[str, Mapping[tuple[str, ...], int]]) -> dict[str, dict[str, int]]:
    return {form: {"+".join(answer): n for answer, n in found.items()} for form, found in counts.items()}


def _counts(document: Mapping[str, Mapping[str, int]]) -> dict[str, dict[tuple[str, ...], int]]:
    return {
        form: {tuple(answer.split("+")) if answer else (): n for answer, n in found.items()}
        for form, found in document.items()
    }
