"""``precordia eval paired``: what pairs with a second modality add to probes of few labels, and search across."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core import bootstrap
from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.encoders import load_encoder
from precordia.eval.harness.task import Result, Row, Settings, TaskCard
from precordia.fitting.signals.pairs import PairsRecipe, fit_space
from precordia.fitting.signals.recipe import load_recipe
from precordia.simulation import simulate_batch
from precordia.simulation.ventricle import MRI_FEATURES, mri_vector, ventricle_of

CARD: Final = TaskCard(
    name="paired",
    summary="second modality: probes of few labels on the ECG with and without pairs, and search across",
    protocol=(
        "Phantoms with a left ventricle and a vector as an image encoder might give of it. Pairs (ECG and vector, no labels) teach "
        "a head, contrastive or by regression; a ridge probe then learns mass and ejection fraction from the same 20, 50 or 100 "
        "labels (mean over 12 draws from 400 patients) on the encoder's own vectors and on the head's, and is scored on patients "
        "kept apart from both. Controls: the regression taught by shuffled pairs, as many principal components of the encoder's "
        "vectors, and the encoder's vectors with labels of all pairs (how much can be foretold at all). 95% intervals by "
        "patient. The penalty of each probe is chosen within its labels; recipes were chosen on other phantoms. Search: of a "
        "vector of a patient kept apart, the ejection fraction of the ten ECGs that it finds."
    ),
    source="simulated (precordia.simulation.ventricle)",
    code=__name__,
    headline=("R² with 50 labels",),
)

N_PAIRS, N_LABELLED, N_TEST, SEED = 1200, 400, 500, 1895
LABELS: Final = (20, 50, 100)
DRAWS: Final = 12
"""Of so many labels from those there are: what one draw gives is mostly chance."""

RECIPES: Final = ("regression", "contrastive")
_PENALTIES: Final = np.geomspace(1e-3, 1e3, 13)
Rows = NDArray[np.float32]


class PairedTask:
    """See :class:`precordia.eval.harness.task.Task`."""

    card = CARD

    def run(self, settings: Settings) -> Result:
        """Measure."""
        self.card.check_options(settings.options)
        encoder = load_encoder(settings.encoder)
        n_pairs = settings.limit or N_PAIRS
        n_test, n_labelled = min(N_TEST, n_pairs), min(N_LABELLED, 2 * n_pairs)
        vectors, images, truth = _patients(n_pairs + n_labelled + n_test, encoder, settings)
        paired, labelled, test = np.split(np.arange(len(vectors)), [n_pairs, n_pairs + n_labelled])
        columns = tuple(f"feature_{number}" for number in range(MRI_FEATURES))
        recipes: dict[str, PairsRecipe] = {name: load_recipe("pairs", name, PairsRecipe) for name in RECIPES}
        spaces = {
            name: fit_space(vectors[paired], images[paired], columns, encoder.fingerprint, recipe)[0]
            for name, recipe in recipes.items()
        }
        shuffled = np.random.default_rng(settings.seed).permutation(paired)
        first = RECIPES[0]
        control, _ = fit_space(vectors[paired], images[shuffled], columns, encoder.fingerprint, recipes[first])
        systems = {
            "encoder": vectors,
            **{f"encoder and pairs, {name}": space.coordinates(vectors) for name, space in spaces.items()},
            f"encoder and shuffled pairs, {first}": control.coordinates(vectors),
            "principal components": _components(vectors, paired, recipes[first].shared),
        }
        rows: list[Row] = []
        samples: list[dict[str, Any]] = []
        for group, y in truth.items():
            everything = _probe(vectors, y, np.r_[paired, labelled], test)
            rows.append(
                _r2(
                    "encoder",
                    "R² with the labels of all pairs",
                    (y[test] - everything) ** 2,
                    y[test],
                    group,
                    settings.seed,
                )
            )
            for count in LABELS:
                errors = {name: _errors(x, y, labelled, test, count) for name, x in systems.items()}
                rows += _compared(errors, y[test], count, group, settings.seed)
                samples += [
                    {"sample": f"{group} {count} {i}", "patient": str(i), "system": name, "squared error": float(e)}
                    for name, found in errors.items()
                    for i, e in zip(test, found, strict=True)
                ]
        ejection = truth["ejection fraction, %"]
        for name, space in spaces.items():
            rows += _across(name, space, vectors, images, ejection, paired, test, settings.seed)
        return Result(
            CARD.name,
            tuple(rows),
            (
                f"{n_pairs} pairs, {n_test} patients kept apart, all of the phantom hospital: what ties its "
                "ventricles to its ECGs is ours, and no figure here says what real images would teach.",
            ),
            samples,
        )


PAIRED: Final = PairedTask()


def _patients(
    n: int, encoder: Any, settings: Settings
) -> tuple[Rows, NDArray[np.float64], dict[str, NDArray[np.float64]]]:
    vectors, images, hearts = [], [], []
    starts = range(0, n, 200)
    for start in settings.progress(starts, len(starts), "simulating", "batch"):
        batch = simulate_batch(min(200, n - start), SEED, first=start)
        vectors.append(
            encoder.embed([Recording(x, batch.fs, LEADS, f"phantom-{start + i}") for i, x in enumerate(batch.signal)])
        )
        for row, truth in enumerate(batch.truths):
            heart = ventricle_of(truth, start + row)
            hearts.append(heart)
            images.append(mri_vector(heart, start + row))
    truths = {
        "left ventricular mass, g": np.array([heart.mass_g for heart in hearts]),
        "ejection fraction, %": np.array([heart.ejection_pct for heart in hearts]),
    }
    return np.concatenate(vectors), np.stack(images).astype(np.float64), truths


def _components(vectors: Rows, paired: NDArray[np.intp], k: int) -> Rows:
    """The first principal components of the paired patients' vectors, nothing else of them used."""
    mean = vectors[paired].mean(axis=0)
    _, _, axes = np.linalg.svd(vectors[paired] - mean, full_matrices=False)
    return np.asarray((vectors - mean) @ axes[:k].T, dtype=np.float32)


def _probe(x: Rows, y: NDArray[np.float64], labelled: NDArray[np.intp], test: NDArray[np.intp]) -> NDArray[np.float64]:
    """What a ridge probe of the labelled says of the test's."""
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), RidgeCV(_PENALTIES * len(labelled))).fit(x[labelled], y[labelled])
    return np.asarray(model.predict(x[test]), dtype=np.float64)


def _errors(
    x: Rows, y: NDArray[np.float64], labelled: NDArray[np.intp], test: NDArray[np.intp], count: int
) -> NDArray[np.float64]:
    """``(n_test,)`` squared errors, the mean over draws of so many labels, the same for every system."""
    draws = [np.random.default_rng([SEED, draw]).permutation(labelled)[:count] for draw in range(DRAWS)]
    return np.asarray(np.mean([(y[test] - _probe(x, y, drawn, test)) ** 2 for drawn in draws], axis=0))


def _compared(
    errors: dict[str, NDArray[np.float64]], y: NDArray[np.float64], count: int, group: str, seed: int
) -> list[Row]:
    rows = [_r2(name, f"R² with {count} labels", found, y, group, seed) for name, found in errors.items()]
    for name, found in errors.items():
        if name != "encoder":
            e = bootstrap.difference(errors["encoder"] / y.var(), found / y.var(), seed=seed)
            metric = f"gain in R² over the encoder alone, {count} labels"
            rows.append(Row(name, metric, e.value, e.low, e.high, e.n, group))
    return rows


def _r2(system: str, metric: str, errors: NDArray[np.float64], y: NDArray[np.float64], group: str, seed: int) -> Row:
    def r2(rows: NDArray[np.intp]) -> float:
        spread = float(((y[rows] - y[rows].mean()) ** 2).sum())
        return 1.0 - float(errors[rows].sum()) / spread if spread > 0 else float("nan")

    e = bootstrap.statistic(r2, y.size, seed=seed)
    return Row(system, metric, e.value, e.low, e.high, e.n, group)


def _across(
    name: str,
    space: Any,
    vectors: Rows,
    images: NDArray[np.float64],
    ejection: NDArray[np.float64],
    archive: NDArray[np.intp],
    asking: NDArray[np.intp],
    seed: int,
) -> list[Row]:
    """ECGs whose images looked like this: how near the ejection fraction of the ten is, beside ten drawn at random."""
    found, drawn = [], []
    rng = np.random.default_rng(seed)
    for row in asking:
        query = dict(zip(space.columns, images[row], strict=True))
        best, _ = space.ecgs_like(query, vectors[archive], 10)
        found.append(abs(float(ejection[archive][best].mean()) - ejection[row]))
        drawn.append(abs(float(ejection[archive][rng.integers(0, archive.size, 10)].mean()) - ejection[row]))
    rows = []
    for system, errors in ((f"search across, {name}", found), (f"ten at random beside {name}", drawn)):
        e = bootstrap.mean(errors, seed=seed)
        metric = "distance of the ten's mean ejection fraction, points"
        rows.append(Row(system, metric, e.value, e.low, e.high, e.n, "search across", at_least=False))
    return rows
