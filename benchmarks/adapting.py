"""What adapting is worth: half of an archive's ECGs with labels, the other half asked, beside the frozen encoder and full tuning.

``python -m benchmarks.adapting --data MIRROR [--archives LUDB Chapman-Ningbo] [--epochs N] [--full]``

Patients are halved by the number of their first recording. The probe is the adaptation's own (ridge regression on frozen vectors),
over findings with three ECGs on either side in both halves. Nothing was chosen on these figures.
"""

from __future__ import annotations

import argparse
import copy
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from precordia.core import bootstrap
from precordia.core.recording import Recording
from precordia.encoders import SignalEncoder, load_encoder
from precordia.encoders.adapter import Adapter
from precordia.encoders.adapting import AdaptRecipe, train_factors
from precordia.encoders.training.probe import ridge_scores
from precordia.encoders.windows import Ecgs
from precordia.eval.tasks.encoder.archives import Archive, read_cinc, read_ludb

FEWEST = 3


def main() -> None:
    """Print a line a system and archive."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--archives", nargs="*", default=["LUDB", "Chapman-Ningbo"])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--full", action="store_true", help="tune all weights as well")
    args = parser.parse_args()
    base = load_encoder("default")
    for name in args.archives:
        archive = read_ludb(args.data / "ludb", range(1, 101)) if name == "LUDB" else read_cinc(name, args.data)
        for line in compared(archive, base, AdaptRecipe(epochs=args.epochs), full=args.full):
            print(f"{name}: {line}", flush=True)


def compared(archive: Archive, base: SignalEncoder, recipe: AdaptRecipe, *, full: bool) -> Iterator[str]:
    """Macro AUROC on the second half: frozen, adapted, tuned."""
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
    yield f"{first.sum()} ECGs with labels, {len(held)} asked, {labels.shape[1]} findings"
    truth, frozen = labels[~first], scores(base, recordings, first, labels)
    yield f"frozen {figure(bootstrap.macro_auroc(truth, frozen, held))}"

    def adapted() -> tuple[SignalEncoder, int]:
        factors = train_factors(base, ecgs, labels[first], nothing, recipe)
        adapter = Adapter(factors, "default", base.fingerprint, "")
        return adapter.adapted(base), adapter.n_parameters

    def tuned() -> tuple[SignalEncoder, int]:
        return tune_all(base, ecgs, labels[first], recipe)

    systems: dict[str, Callable[[], tuple[SignalEncoder, int]]] = {
        "adapted": adapted,
        **({"all weights": tuned} if full else {}),
    }
    for name, make in systems.items():
        clock = time.process_time()
        encoder, n_parameters = make()
        spent = time.process_time() - clock
        own = scores(encoder, recordings, first, labels)
        gain = bootstrap.macro_auroc(truth, own, held, less=frozen)
        yield (
            f"{name} {figure(bootstrap.macro_auroc(truth, own, held))}, against frozen {gain.value:+.3f} "
            f"({gain.low:+.3f} to {gain.high:+.3f}); {n_parameters} parameters, {spent:.0f} s of CPU"
        )


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


def figure(estimate: bootstrap.Estimate) -> str:
    """With its interval."""
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


if __name__ == "__main__":
    main()
