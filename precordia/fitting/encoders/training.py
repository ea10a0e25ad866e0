"""Makes an encoder: gathers what is named into a corpus, trains on it by a recipe, and writes what belongs to a checkpoint."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from precordia.core.errors import UsageError
from precordia.core.progress import Progress, silent
from precordia.fitting.trained import Trained
from precordia.records.standardize import SignalSpec

if TYPE_CHECKING:
    from precordia.encoders.corpus import Corpus
    from precordia.encoders.recipe import Recipe
    from precordia.encoders.training import Progress as Epoch
    from precordia.encoders.training import Tick


@dataclass(frozen=True)
class Material:
    """Which ECGs an encoder learns from, and where they are kept meanwhile.

    Attributes:
        folders: Folders of ECGs or knowledge bases.
        reports: A table with reports, joined by id, as for ``precordia build``.
        mapping: Which column of ``reports`` is what.
        memory_gb: Most memory for the signals; more go to ``cache``.
        cache: Where signals are kept that do not fit; by default ``corpora``, beside the checkpoint.
        workers: Processes that read files into ``cache``; by default one a core.
    """

    folders: tuple[Path, ...] = ()
    reports: Path | None = None
    mapping: Path | None = None
    memory_gb: float = 4.0
    cache: Path | None = None
    workers: int | None = None


@dataclass(frozen=True)
class Watched:
    """Who is told how a training goes.

    Attributes:
        progress: Goes through what is read.
        tell: Told in words what is done.
        epoch: Told after each epoch.
        tick: Told after each batch.
    """

    progress: Progress = silent
    tell: Callable[[str], None] = lambda line: None
    epoch: Callable[[Epoch], None] | None = None
    tick: Callable[[Tick], None] | None = None


def train_encoder(
    recipe: str | Path | Recipe,
    data: Path | str | Sequence[Path | str] = (),
    out: Path | str | None = None,
    *,
    reports: Path | str | None = None,
    mapping: Path | str | None = None,
    epochs: int | None = None,
    seed: int | None = None,
    cross_fit: int | None = None,
    resume: bool = False,
    cpu: bool = False,
    memory: float = 4.0,
    cache: Path | str | None = None,
    workers: int | None = None,
    progress: Progress = silent,
    tell: Callable[[str], None] = lambda line: None,
    watch: Callable[[Epoch], None] | None = None,
) -> Trained:
    """Train an encoder, in this process and those that a launcher such as torchrun started with it, and write its checkpoint.

    Args:
        recipe: A shipped one's name, a JSON file, or a recipe.
        data: Folders of ECGs, or knowledge bases; none where the recipe simulates its ECGs.
        out: The checkpoint's folder; by default ``runs/RECIPE``.
        reports: A table with reports, joined by id.
        mapping: Which column of ``reports`` is what.
        epochs: Instead of the recipe's.
        seed: Instead of the recipe's.
        cross_fit: One encoder for each of so many parts of folds 1-8, trained without it, in folders below ``out``.
        resume: Go on from the state in ``out``.
        cpu: Do not use a GPU.
        memory: Most memory for the signals, GB; more go to ``cache``.
        cache: Where signals are kept that do not fit; by default ``corpora``, beside ``out``.
        workers: Processes that read files into ``cache``; by default one a core.
        progress: Goes through what is read.
        tell: Told in words what it learns from.
        watch: Told after each epoch.

    Raises:
        UsageError: there is nothing to train on, or the recipe does not fit the data or the device.
        InputError: a folder is not there or holds no ECG.
        CheckpointError: the state in ``out`` is of another recipe or other data.
    """
    chosen = recipe_of(recipe, epochs, seed)
    named = [data] if isinstance(data, (str, Path)) else data
    material = Material(
        tuple(Path(d) for d in named), Path(reports) if reports else None, Path(mapping) if mapping else None,
        memory, Path(cache) if cache else None, workers,
    )  # fmt: skip
    folder, watched = Path(out) if out else Path("runs") / chosen.name, Watched(progress, tell, watch)
    if cross_fit is None:
        from precordia.encoders.training.processes import launched_count

        corpus = gather(material, chosen, folder, watched, on_disk=launched_count() > 1)
        return train_on(corpus, chosen, folder, resume=resume, cpu=cpu, watched=watched)
    parts = list(
        cross_fitted_parts(material, chosen, folder, cross_fit, resume=resume, cpu=cpu, watched=lambda part: watched)
    )
    fingerprints = [part.facts["fingerprint"] for part in parts]
    return Trained("encoder", folder, {"fingerprints": fingerprints}, tuple(n for part in parts for n in part.notes))


def recipe_of(recipe: str | Path | Recipe, epochs: int | None = None, seed: int | None = None) -> Recipe:
    """A recipe by name or file, with other epochs or another seed where they are given."""
    from precordia.encoders.recipe import Recipe, load_recipe

    chosen = recipe if isinstance(recipe, Recipe) else load_recipe(str(recipe))
    if epochs is not None:
        chosen = replace(chosen, epochs=epochs)
    return chosen if seed is None else replace(chosen, seed=seed)


def check_material(material: Material, recipe: Recipe) -> None:
    """Refuse to train on nothing.

    Raises:
        UsageError: no folder is named, and the recipe simulates no ECGs.
    """
    if not material.folders and not recipe.simulated:
        raise UsageError("nothing to train on: name a folder of ECGs with --data DIR, or a recipe with simulated ECGs")


def gather(
    material: Material, recipe: Recipe, folder: Path, watched: Watched = Watched(), *, on_disk: bool = False
) -> Corpus:
    """The training data: in memory where it fits and one process trains, else on disk.

    Args:
        material: What to learn from.
        recipe: Says what is left out, what is only watched, and how much is simulated.
        folder: The checkpoint's; the cache lies beside it unless the material says where.
        watched: Who is told.
        on_disk: Several processes are going to share it.

    Raises:
        UsageError: there is nothing to train on.
        InputError: a folder is not there or holds no ECG.
    """
    from precordia.encoders.corpus import gather as read_all
    from precordia.encoders.corpus_on_disk import bytes_of, key_of, open_corpus
    from precordia.encoders.sources import readings
    from precordia.encoders.training.processes import launched_count, launched_rank
    from precordia.fitting.encoders.sources import source_of

    check_material(material, recipe)
    spec = SignalSpec()
    source = source_of(list(material.folders), recipe, material.reports, material.mapping)
    if not on_disk and bytes_of(len(source), spec) <= material.memory_gb * 1e9:
        recordings = watched.progress(readings(source), len(source), "reading")
        corpus = read_all(recordings, spec, exclude=recipe.exclude, hold_out=recipe.hold_out)
    else:
        from precordia.engine.local import LocalExecutor, available_cores

        cache = material.cache or folder.parent / "corpora"
        workers = min(material.workers or available_cores(), -(-len(source) // 256) or 1)

        def show(blocks: Iterable[Any], total: int) -> Iterator[Any]:
            watched.tell(f"reading {len(source)} recordings into {cache / key_of(source, spec)}")
            return watched.progress(blocks, total, "reading", "block")

        corpus = open_corpus(cache, source, spec, exclude=recipe.exclude, hold_out=recipe.hold_out,
                             executor=LocalExecutor(workers=workers), show=show)  # fmt: skip
    if launched_rank() == 0 and not (on_disk and launched_count() == 1):
        watched.tell(
            f"{len(corpus)} recordings, {int(corpus.held_out.sum())} held out, {len(corpus.rejected)} left out; "
            f"data {corpus.data_hash[:12]}"
        )
    return corpus


def train_on(
    corpus: Corpus,
    recipe: Recipe,
    folder: Path,
    *,
    resume: bool = False,
    cpu: bool = False,
    watched: Watched = Watched(),
) -> Trained:
    """Train, and write weights, card, what was seen and what was left out.

    Where a launcher started several processes, each of them calls this, and the first writes.

    Raises:
        CheckpointError: the state in ``folder`` is of another recipe or other data.
        UsageError: the recipe does not fit the data, the processes or the device.
    """
    from precordia.encoders.card import write_card
    from precordia.encoders.outcome import Outcome
    from precordia.encoders.seen import write_seen
    from precordia.encoders.training import train
    from precordia.encoders.training.processes import join

    begun, processes = time.monotonic(), join(cpu=cpu)
    try:
        encoder = train(recipe, corpus, folder, spec=SignalSpec(), resume=resume, tick=watched.tick,
                        processes=processes, watch=watched.epoch)  # fmt: skip
        if processes.first:
            write_card(folder, recipe, corpus, encoder)
            write_seen(folder, encoder, corpus)
            _write_left_out(folder / "left_out.csv", corpus)
    finally:
        processes.leave()
    outcome = Outcome.load(folder) if processes.first else None
    facts = {"checkpoint": str(folder), "fingerprint": encoder.fingerprint, "data_hash": corpus.data_hash,
             "recordings": len(corpus), "held_out": int(corpus.held_out.sum()), "left_out": len(corpus.rejected),
             "epochs": outcome.epochs if outcome else recipe.epochs,
             "best_epoch": outcome.best_epoch if outcome else recipe.epochs,
             "curve_end": dict(outcome.curve_end) if outcome else {},
             "seconds": round(time.monotonic() - begun, 1)}  # fmt: skip
    stopped = outcome is not None and outcome.epochs < recipe.epochs
    note = f"stopped after epoch {facts['epochs']} of {recipe.epochs}; the weights are those of epoch {facts['best_epoch']}"
    return Trained("encoder", folder, facts, (note,) if stopped else ())


def cross_fitted_parts(
    material: Material,
    recipe: Recipe,
    folder: Path,
    count: int,
    *,
    resume: bool = False,
    cpu: bool = False,
    watched: Callable[[Path], Watched] = lambda folder: Watched(),
) -> Iterator[Trained]:
    """An encoder for each part of the training folds, trained without it; with ``resume`` those done are only looked at.

    The manifest names each as soon as it is there. ``watched`` tells who is told of the training in a folder.

    Raises:
        UsageError: the folds do not divide so, or leaving folds out changes nothing.
    """
    from precordia.encoders.cross_fitting import Part, parts_of, write_manifest

    done: list[Part] = []
    for name, (unseen, without) in parts_of(recipe, count).items():
        told = watched(folder / name)
        corpus = gather(material, without, folder / name, told)
        if any(corpus.data_hash == part.data_hash for part in done):
            raise UsageError("--cross-fit: leaving folds out changes nothing; the data has no strat_fold")
        trained = train_on(corpus, without, folder / name, resume=resume, cpu=cpu, watched=told)
        done.append(Part(name, unseen, corpus.data_hash, str(trained.facts["fingerprint"]), without.seed))
        write_manifest(folder, recipe, done)
        yield trained


def _write_left_out(path: Path, corpus: Corpus) -> None:
    """Which recordings were not used, and why."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["recording", "reason"])
        writer.writerows(corpus.rejected)
