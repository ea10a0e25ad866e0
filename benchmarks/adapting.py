"""What adapting is worth: half of an archive's ECGs with labels, the other half asked, beside the frozen encoder and full tuning.

``python -m benchmarks.adapting [--data MIRROR] [--archives LUDB Chapman-Ningbo] [--epochs N] [--seeds N ...] [--full]``

Patients are halved by the number of their first recording. The probe is the adaptation's own (ridge regression on frozen vectors),
over findings with three ECGs on either side in both halves. Nothing was chosen on these figures.
"""

from __future__ import annotations

import argparse
import copy
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from benchmarks.machine import table
from precordia.core import bootstrap
from precordia.core.recording import Recording
from precordia.datasets.folder import default_data_dir
from precordia.encoders import SignalEncoder, load_encoder
from precordia.encoders.adapter import Adapter
from precordia.encoders.adapting import AdaptRecipe, train_factors
from precordia.encoders.training.probe import ridge_scores
from precordia.encoders.windows import Ecgs
from precordia.eval.tasks.encoder.archives import Archive, read_cinc, read_ludb

FEWEST: Final = 3
HEAD: Final = (
    "archive, system", "findings", "macro AUROC", "against frozen", "other seeds", "parameters", "processor time, s",
)  # fmt: skip


def main() -> None:
    """Print a table with a line for each system of each archive."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, metavar="MIRROR", help="default: $PRECORDIA_DATA")
    parser.add_argument("--archives", nargs="*", default=["LUDB", "Chapman-Ningbo"])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[42, 43, 44], help="of the adapter; the first is told whole"
    )
    parser.add_argument("--full", action="store_true", help="tune all weights as well, by the first seed")
    args = parser.parse_args()
    data, base = args.data or default_data_dir(), load_encoder("default")
    rows: list[Sequence[str]] = [HEAD]
    for name in args.archives:
        archive = read_ludb(data / "ludb", range(1, 101)) if name == "LUDB" else read_cinc(name, data)
        recipes = [AdaptRecipe(epochs=args.epochs, seed=seed) for seed in args.seeds]
        rows += [[f"{name}, {system}", *cells] for system, *cells in compared(archive, base, recipes, full=args.full)]
    print(table(rows))


def compared(
    archive: Archive, base: SignalEncoder, recipes: Sequence[AdaptRecipe], *, full: bool
) -> Iterator[Sequence[str]]:
    """Macro AUROC on the second half: frozen, adapted by each recipe, of which the first is told whole, and tuned."""
    half = len(archive.recordings) // 2
    patients = archive.patients
    first = np.array([patients.index(patient) < half for patient in patients])
    names = sorted(set().union(*archive.stated))
    labels = archive.labels(names)
    enough = np.ones(len(names), dtype=bool)
    for part in (labels[first], labels[~first]):
        enough &= (part.sum(0) >= FEWEST) & (part.sum(0) <= len(part) - FEWEST)
    labels = labels[:, enough]
    recordings = archive.recordings
    ecgs = Ecgs.of((r for r, mine in zip(recordings, first, strict=True) if mine), base.spec)
    nothing = Ecgs.of((), base.spec)
    held = [patient for patient, mine in zip(patients, first, strict=True) if not mine]
    truth, frozen = labels[~first], scores(base, recordings, first, labels)
    yield "frozen", str(labels.shape[1]), figure(bootstrap.macro_auroc(truth, frozen, held)), "", "", "", ""

    def adapted(recipe: AdaptRecipe) -> tuple[SignalEncoder, int]:
        adapter = Adapter(train_factors(base, ecgs, labels[first], nothing, recipe), "default", base.fingerprint, "")
        return adapter.adapted(base), adapter.n_parameters

    def tuned(recipe: AdaptRecipe) -> tuple[SignalEncoder, int]:
        return tune_all(base, ecgs, labels[first], recipe)

    for name, make, some in (("adapted", adapted, recipes), ("all weights", tuned, recipes[: int(full)])):
        runs = []
        for recipe in some:
            clock = time.process_time()
            encoder, n_parameters = make(recipe)
            spent = time.process_time() - clock
            runs.append((scores(encoder, recordings, first, labels), n_parameters, spent))
        if not runs:
            continue
        own, n_parameters, spent = runs[0]
        gains = [bootstrap.macro_auroc(truth, other, held, less=frozen) for other, *_ in runs]
        yield (
            name, str(labels.shape[1]), figure(bootstrap.macro_auroc(truth, own, held)), figure(gains[0], "+.3f"),
            ", ".join(f"{gain.value:+.3f}" for gain in gains[1:]), f"{n_parameters:,}", f"{spent:.0f}",
        )  # fmt: skip


def scores(
    encoder: SignalEncoder, recordings: tuple[Recording, ...], first: NDArray[np.bool_], labels: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """The probe's, of the second half."""
    vectors = encoder.embed(recordings)
    return ridge_scores(vectors[first], labels[first], vectors[~first])


def tune_all(
    base: SignalEncoder, ecgs: Ecgs, labels: NDArray[np.bool_], recipe: AdaptRecipe
) -> tuple[SignalEncoder, int]:
    """Every weight by as many steps on batches of the same size, without views: the usual fine-tuning, to compare with."""
    network = copy.deepcopy(base.network).eval()
    torch.manual_seed(recipe.seed)
    head = torch.nn.Linear(base.dim, labels.shape[1])
    optimizer = torch.optim.AdamW(
        [{"params": network.parameters(), "lr": 2e-4}, {"params": head.parameters(), "lr": 2e-3}]
    )
    truth, rng = torch.from_numpy(labels.astype(np.float32)), np.random.default_rng(recipe.seed)
    for _ in range(recipe.epochs * max(-(-len(ecgs) // recipe.batch_size), 8)):
        rows = rng.permutation(len(ecgs))[: recipe.batch_size]
        embedded = F.normalize(network(ecgs.inputs(rows)).embedding, dim=1) * base.dim**0.5
        loss = F.binary_cross_entropy_with_logits(head(embedded), truth[rows])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    network.requires_grad_(False)
    return SignalEncoder(network, base.spec, "tuned"), sum(p.numel() for p in network.parameters())


def figure(estimate: bootstrap.Estimate, form: str = ".3f") -> str:
    """With its interval."""
    return f"{estimate.value:{form}} ({estimate.low:{form}} to {estimate.high:{form}})"


if __name__ == "__main__":
    main()
