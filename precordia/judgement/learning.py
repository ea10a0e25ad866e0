"""An archive teaches: fits the models of its findings on its own cases, and what may be promised of them.

A large archive is sampled: each case with a probability that is higher the rarer what is stated of it, drawn by its id, so
that the same archive gives the same sample, and weighed by the inverse (Horvitz and Thompson, J Am Stat Assoc
1952;47:663-685). Calibration and promise are cross-conformal (Vovk, Ann Math Artif Intell 2015;74:9-28): patients are cut
into parts, each judged by models fitted on the others.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from precordia.core.case import Case
from precordia.indexing.store import DeltaCaseStore
from precordia.judgement.inputs import inputs_of, recorder_of
from precordia.judgement.models import FindingModels, Promise, Recorders
from precordia.judgement.promise import risk_threshold
from precordia.judgement.reconcile import most_specific, written_of
from precordia.judgement.scaling import Scaling
from precordia.judgement.settings import JudgementSettings

FEWEST_CASES: Final = 200
"""With fewer cases that say anything no models are fitted: the precedents' vote decides."""
FEWEST_STATING: Final = 4
"""A finding that fewer cases of the sample state is left to the vote."""
FEWEST_OF_RECORDER: Final = 20
"""Carts and rates of fewer cases are not told apart."""
MOST_CASES: Final = 20_000
"""Of the sample."""
MOST_STATING: Final = 400
"""Cases of one finding from which on more are not drawn for its sake."""
PENALTY: Final = 200.0
"""Of the squared weights, for inputs of unit variance: chosen on ECGs that the encoder had not seen."""
PARTS: Final = 4
MOST_CROSS_FITTED: Final = 8_000
"""Of the sample, about how many calibration and promise are found on: four fits more would take as long as four times the first."""
FEWEST_PROMISED: Final = 100
"""Patients, held back, on which a promise may rest."""
RISK: Final = 0.2
"""Share of wrong statements promised among those said without "possible"."""
_HASHES: Final = 2.0**63
_ROWS: Final = 2048
"""Cases whose inputs are copied at a time."""


@dataclass(frozen=True, eq=False)
class Lessons:
    """Cases to learn from.

    Attributes:
        inputs: ``(n, inputs)``, NaN where not known.
        stated: ``(n,)`` what is stated of each, with all that it implies.
        patients: ``(n,)``.
        weights: ``(n,)`` how many cases of the archive each stands for, up to a factor.
        unseen: ``(n,)`` whether the encoder was trained without it.
        n_archive: Cases of the archive of which anything is stated.
        recorders: ``(n,)`` what is known of the recorder of each; empty where nothing is.
    """

    inputs: NDArray[np.float64]
    stated: tuple[frozenset[str], ...]
    patients: tuple[str, ...]
    weights: NDArray[np.float64]
    unseen: NDArray[np.bool_]
    n_archive: int
    recorders: tuple[tuple[str, ...], ...] = ()

    def __len__(self) -> int:
        return len(self.stated)


def learn(lessons: Lessons, encoder: str, settings: JudgementSettings | None = None) -> FindingModels | None:
    """The models of what the cases state; None where there are too few.

    Args:
        lessons: The cases.
        encoder: Fingerprint of the encoder that made their vectors.
        settings: From which probability a finding is said.
    """
    if len(lessons) < FEWEST_CASES:
        return None
    counts = Counter(concept for said in lessons.stated for concept in said)
    concepts = tuple(sorted(c for c, n in counts.items() if FEWEST_STATING <= n <= len(lessons) - FEWEST_STATING))
    if not concepts:
        return None
    truth = np.array([[c in said for c in concepts] for said in lessons.stated], dtype=np.float64)
    scaling = Scaling.of(lessons.inputs)
    recorders = Recorders.of(lessons.recorders, FEWEST_OF_RECORDER) if lessons.recorders else Recorders()
    behind = recorders.columns(lessons.recorders or [()] * len(lessons))
    x, w = np.hstack([scaling.apply(lessons.inputs), behind]), lessons.weights / lessons.weights.mean()
    weights, bias = fit_ridge(x, truth, w)
    held = _held_back(lessons)
    some = _spared(lessons)
    slope, shift, promise = 1.0, 0.0, Promise(RISK, withdrawn=_too_few(held, lessons))
    if held.any():
        patients_of = [p for p, is_kept in zip(lessons.patients, some.tolist(), strict=True) if is_kept]
        x, truth, w, held = x[some], truth[some], w[some], held[some]
        odds = _cross_fitted(x, truth, w, patients_of)[held]
        slope, shift = _calibrate(odds, truth[held], w[held])
        if not promise.withdrawn:
            chances = 1 / (1 + np.exp(-(slope * odds + shift)))
            patients = [p for p, is_held in zip(patients_of, held.tolist(), strict=True) if is_held]
            least = [(settings or JudgementSettings()).least_for(counts[concept]) for concept in concepts]
            promise = _promise(chances, truth[held], concepts, patients, np.array(least))
    return FindingModels(
        encoder, concepts, scaling, weights, bias, recorders, slope, shift, {c: counts[c] for c in concepts}, len(lessons),
        len(set(lessons.patients)), lessons.n_archive, promise,
    )  # fmt: skip


Seen = Callable[[NDArray[np.float32]], NDArray[np.bool_]]
"""``(n, dim)`` vectors to whether the encoder was trained on each of their ECGs."""


def lessons_of(store: DeltaCaseStore, seen: Seen | None = None, most: int = MOST_CASES) -> Lessons:
    """A sample of a knowledge base's cases, of which something is stated.

    Args:
        store: The cases.
        seen: Tells the ECGs that the encoder was trained on; None where it was trained on others.
        most: About how many.
    """
    ids = store.column("case_id").to_numpy()
    chance, speaks = _chances(store.column("findings"), most)
    drawn = np.flatnonzero(speaks & (ids / _HASHES < chance))
    wanted = {int(ids[i]): float(chance[i]) for i in drawn}
    rows, said, patients, weights, vectors, recorders = [], [], [], [], [], []
    for case, vector in _cases_with_vectors(store, sorted(wanted)):
        findings = written_of(case.findings)
        if findings:
            rows.append(inputs_of(vector, case.measurements, case.age, case.sex))
            said.append(findings)
            recorders.append(recorder_of(case.device, case.fs))
            patients.append(case.patient_key)
            weights.append(1 / wanted[case.case_id])
            vectors.append(vector)
    inputs = np.stack(rows) if rows else np.zeros((0, 0))
    unseen = ~seen(np.stack(vectors)) if seen is not None and vectors else np.ones(len(said), dtype=bool)
    return Lessons(inputs, tuple(said), tuple(patients), np.array(weights), unseen, int(speaks.sum()), tuple(recorders))


def fit_ridge(
    x: NDArray[np.float64], truth: NDArray[np.float64], w: NDArray[np.float64], penalty: float = PENALTY
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights ``(inputs, findings)`` and bias ``(findings,)`` of logistic regressions, all found together by L-BFGS.

    Args:
        x: ``(n, inputs)`` of about unit variance.
        truth: ``(n, findings)`` 0 or 1.
        w: ``(n,)`` what each row counts; about 1.
        penalty: Of half the squared weights; the bias goes free.
    """
    from scipy.optimize import minimize

    n, d, k = *x.shape, truth.shape[1]
    share = np.clip((w @ truth) / w.sum(), 1e-5, 1 - 1e-5)
    bent, axes = np.linalg.eigh(_squares(x, w))
    # How far the loss bends along each axis, about: steps of like size then lead there in a fifth of the evaluations.
    curves = np.maximum(bent, 0.0)[:, None] * (share * (1 - share)) + penalty
    reach = 1 / np.sqrt(np.vstack([curves, w.sum() * share * (1 - share)]))

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        u = flat.reshape(d + 1, k) * reach
        p, bias = axes @ u[:-1], u[-1]
        z = x @ p
        z += bias
        # One exponential serves the probability and the logarithm: these numbers are most of what a build fits.
        small = np.exp(-np.abs(z))
        whole = 1 + small
        error = np.where(z >= 0, 1.0, small)
        error /= whole
        error -= truth
        error *= w[:, None]
        cost = np.log(whole, out=whole)
        cost += np.maximum(z, 0)
        cost -= np.multiply(truth, z, out=z)
        value = float((w @ cost).sum() + penalty / 2 * np.square(p).sum())
        slope = np.vstack([axes.T @ (x.T @ error) + penalty * u[:-1], error.sum(axis=0)])
        return value / n, (slope * reach).ravel() / n

    start = np.vstack([np.zeros((d, k)), np.log(share / (1 - share)) / reach[-1]])
    flat = minimize(
        loss, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 150, "ftol": 1e-7, "gtol": 1e-9}
    ).x
    found: NDArray[np.float64] = np.asarray(flat).reshape(d + 1, k) * reach
    return axes @ found[:-1], found[-1]


def _squares(x: NDArray[np.float64], w: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(inputs, inputs)`` products of the columns, weighed; a few thousand rows at a time, which takes no memory."""
    out = np.zeros((x.shape[1], x.shape[1]))
    for start in range(0, len(x), _ROWS):
        rows = x[start : start + _ROWS]
        out += (rows * w[start : start + _ROWS, None]).T @ rows
    return out


def _chances(stated: pa.ChunkedArray, most: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """How likely each case is to be drawn, and whether anything is stated of it.

    As likely as the sample's size allows, and more where something rare is stated.
    """
    import pyarrow.compute as pc

    lengths = pc.fill_null(pc.list_value_length(stated), 0).to_numpy()
    chances = np.full(lengths.size, most / max(lengths.size, 1))
    if lengths.any():
        concepts = pc.dictionary_encode(pc.list_flatten(stated)).combine_chunks().indices.to_numpy()
        rare = MOST_STATING / np.bincount(concepts)
        np.maximum.at(chances, np.repeat(np.arange(lengths.size), lengths), rare[concepts])
    return np.clip(chances, 0.0, 1.0), lengths > 0


def _cases_with_vectors(store: DeltaCaseStore, ids: Sequence[int]) -> Iterator[tuple[Case, NDArray[np.float32]]]:
    wanted = np.array(ids, dtype=np.int64)
    for some, vectors in store.vectors("signal"):
        rows = np.flatnonzero(np.isin(some, wanted))
        # A copy of those drawn: a row of all would keep all of them in memory as long as it is kept.
        yield from zip(store.get([int(i) for i in some[rows]]), vectors[rows], strict=True)


def _held_back(lessons: Lessons) -> NDArray[np.bool_]:
    """Cases on which to calibrate: those that the encoder has not seen, where they are enough; else all."""
    patients = {p for p, unseen in zip(lessons.patients, lessons.unseen.tolist(), strict=True) if unseen}
    return lessons.unseen if len(patients) >= FEWEST_PROMISED else np.ones(len(lessons), dtype=bool)


def _spared(lessons: Lessons) -> NDArray[np.bool_]:
    """Cases that calibration and promise are found on: all, or those of patients drawn by their keys from a large sample.

    ECGs that the encoder has not seen are never left out: where they are few, the promise rests on them.
    """
    share = MOST_CROSS_FITTED / max(len(lessons), 1)
    if share >= 1:
        return np.ones(len(lessons), dtype=bool)
    drawn = np.array([_hash_of(f"drawn {patient}") < share * 2**32 for patient in lessons.patients])
    rare = lessons.unseen & (lessons.unseen.sum() < MOST_CROSS_FITTED)
    return np.asarray(drawn | rare, dtype=bool)


def _too_few(held: NDArray[np.bool_], lessons: Lessons) -> str:
    if not lessons.unseen[held].all():
        return "the encoder was trained on these very ECGs, and too few others are here to hold it against"
    patients = {p for p, is_held in zip(lessons.patients, held.tolist(), strict=True) if is_held}
    if len(patients) < FEWEST_PROMISED:
        return f"{len(patients)} patients are too few to promise anything; {FEWEST_PROMISED} are needed"
    return ""


def _hash_of(text: str) -> int:
    """32 bits."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def _part_of(patient: str) -> int:
    return _hash_of(patient) % PARTS


def _cross_fitted(
    x: NDArray[np.float64], truth: NDArray[np.float64], w: NDArray[np.float64], patients: Sequence[str]
) -> NDArray[np.float64]:
    """``(n, findings)`` log-odds of each case by models fitted on other parts of the patients."""
    part = np.array([_part_of(patient) for patient in patients])
    out = np.zeros_like(truth)
    for one in range(PARTS):
        rest, own = part != one, part == one
        if rest.any() and own.any():
            weights, bias = fit_ridge(x[rest], truth[rest], w[rest])
            out[own] = x[own] @ weights + bias
    return out


def _calibrate(odds: NDArray[np.float64], truth: NDArray[np.float64], w: NDArray[np.float64]) -> tuple[float, float]:
    """Slope and shift from log-odds to calibrated log-odds (Platt 1999), one for all findings."""
    z, y = odds.ravel(), truth.ravel()
    every = np.repeat(w, odds.shape[1])
    weights, bias = fit_ridge(z[:, None], y[:, None], every, penalty=1e-6)
    return round(float(weights[0, 0]), 4), round(float(bias[0]), 4)


def _promise(
    chances: NDArray[np.float64],
    truth: NDArray[np.float64],
    concepts: Sequence[str],
    patients: Sequence[str],
    least: NDArray[np.float64],
) -> Promise:
    p, right, who = [], [], []
    for row, true, patient in zip(chances, truth, patients, strict=True):
        said = most_specific([concepts[i] for i in np.flatnonzero(row >= least).tolist()])
        for column in (concepts.index(concept) for concept in said):
            p.append(float(row[column]))
            right.append(bool(true[column]))
            who.append(patient)
    n = len(set(patients))
    if len(p) < FEWEST_PROMISED:
        return Promise(RISK, n_statements=len(p), n_patients=n, withdrawn="too few statements were held back")
    sure_from = round(risk_threshold(p, right, who, risk=RISK), 4)
    kept = float(np.mean(np.array(p) >= sure_from))
    withdrawn = "" if kept else f"no threshold keeps wrong statements to {RISK:.0%}"
    return Promise(RISK, sure_from, round(kept, 4), len(p), n, withdrawn)
