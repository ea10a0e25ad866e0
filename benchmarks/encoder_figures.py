"""Draw the figures of docs/encoder.md: ``python -m benchmarks.encoder_figures [--data DIR] [--encoder NAME] [--out DIR]``.

Learning curves of the checkpoint, a map of the embeddings of PTB-XL fold 9, and five ECGs of fold 9 with their nearest
precedents of folds 1-8. No report and no identifier is drawn.
"""

from __future__ import annotations

import argparse
import csv
import io
from pathlib import Path
from typing import Any, Final

import matplotlib
import numpy as np
from numpy.typing import NDArray

from precordia.concepts.terms import SUPERCLASSES
from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.datasets.folder import default_data_dir
from precordia.encoders import load_encoder
from precordia.eval.tasks.encoder.ptbxl import LabelledRecordings, load_ptbxl

matplotlib.use("Agg")
import matplotlib.pyplot as plt

COLOURS: Final = dict(zip(SUPERCLASSES, ("#4c9f70", "#c8443c", "#e09f3e", "#3d6fb4", "#8a5aa8"), strict=True))
NAMES: Final = {"NORM": "normal", "MI": "infarction", "STTC": "ST-T change", "CD": "conduction", "HYP": "hypertrophy"}
ROWS: Final = (LEADS[0:3], LEADS[3:6], LEADS[6:9], LEADS[9:12])
NEIGHBOURS: Final = 3
GRID: Final = "#f2c9c4"
SHIPPED: Final = Path("precordia/encoders/weights")


def main() -> None:
    """Draw all three."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=default_data_dir())
    parser.add_argument("--encoder", default="default")
    parser.add_argument("--out", type=Path, default=Path("docs/figures"))
    parser.add_argument("--seed", type=int, default=42)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    plt.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    folder = SHIPPED / args.encoder if (SHIPPED / args.encoder).is_dir() else Path(args.encoder)
    save(curves(folder / "curve.csv"), args.out / "encoder_curves.png")
    data = load_ptbxl(args.data / "ptbxl")
    vectors = load_encoder(args.encoder).embed(data.recordings)
    save(embedding_map(data, vectors, args.seed), args.out / "encoder_map.png")
    save(neighbours(data, vectors, args.seed), args.out / "encoder_neighbours.png")


def curves(path: Path) -> Any:
    """The training and held-out loss of each objective over the epochs."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = [n for n in rows[0] if n not in ("epoch", "loss", "learning_rate") and not n.startswith("held_out")]
    columns = min(len(names), 4)
    lines = -(-len(names) // columns)
    figure, axes = plt.subplots(lines, columns, figsize=(3 * columns, 2.2 * lines), squeeze=False, layout="constrained")
    for axis, name in zip(axes.flat, names, strict=False):
        for column, label, style in ((name, "training", "-"), (f"held_out_{name}", "held out", "o-")):
            points = [(int(row["epoch"]), float(row[column])) for row in rows if row.get(column)]
            if points:
                axis.plot(*zip(*points, strict=True), style, markersize=3, linewidth=1.2, label=label)
        axis.set_title(name.replace("_", " "), fontsize=9)
        axis.set_xlabel("epoch")
    for axis in axes.flat[len(names) :]:
        axis.axis("off")
    axes.flat[0].set_ylabel("loss")
    axes.flat[0].legend(frameon=False)
    return figure


def embedding_map(data: LabelledRecordings, vectors: NDArray[np.float32], seed: int) -> Any:
    """Fold 9 in two dimensions by t-SNE on cosine distances."""
    from sklearn.manifold import TSNE

    test = data.folds == 9
    labels = data.superclasses[test]
    places = TSNE(2, perplexity=20, metric="cosine", init="random", random_state=seed).fit_transform(vectors[test])
    figure, axis = plt.subplots(figsize=(6.4, 5), layout="constrained")
    several = labels.sum(axis=1) > 1
    for column, superclass in enumerate(SUPERCLASSES):
        rows = labels[:, column] & ~several
        axis.scatter(*places[rows].T, s=22, color=COLOURS[superclass], label=NAMES[superclass], linewidths=0)
    axis.scatter(
        *places[several].T, s=20, facecolors="none", edgecolors="#555555", linewidths=0.9, label="several of them"
    )
    axis.set(xticks=[], yticks=[])
    axis.spines[["left", "bottom"]].set_visible(False)
    axis.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def neighbours(data: LabelledRecordings, vectors: NDArray[np.float32], seed: int) -> Any:
    """One ECG of fold 9 for each superclass, drawn by lot, beside its nearest of folds 1-8."""
    rng = np.random.default_rng(seed)
    fit = np.flatnonzero(data.folds < 9)
    figure, axes = plt.subplots(
        len(SUPERCLASSES),
        NEIGHBOURS + 1,
        figsize=(4.4 * (NEIGHBOURS + 1), 1.42 * len(SUPERCLASSES)),
        layout="constrained",
    )
    for line, superclass in enumerate(SUPERCLASSES):
        alone = data.superclasses[:, line] & (data.superclasses.sum(axis=1) == 1) & (data.folds == 9)
        query = int(rng.choice(np.flatnonzero(alone)))
        likeness = vectors[fit] @ vectors[query]
        best = np.argsort(-likeness, kind="stable")[:NEIGHBOURS]
        draw(axes[line, 0], data.recordings[query], f"query ({NAMES[superclass]}): {codes(data, query)}", "#1f3b73")
        for place, near in enumerate(best):
            row = int(fit[near])
            shared = bool(data.superclasses[row, line])
            title = f"cosine {likeness[near]:.2f}: {codes(data, row)}"
            draw(axes[line, place + 1], data.recordings[row], title, "#222222" if shared else "#b03a2e")
    return figure


def codes(data: LabelledRecordings, row: int) -> str:
    """The SCP codes of a recording."""
    return ", ".join(data.code_names[i] for i in np.flatnonzero(data.codes[row])[:6])


def draw(axis: Any, recording: Recording, title: str, colour: str) -> None:
    """Twelve leads of 2.5 s in four columns, 25 mm/s and 10 mm/mV on 5 mm squares (0.2 s, 0.5 mV)."""
    n = round(2.5 * recording.fs)
    seconds = np.arange(n) / recording.fs
    step_mv = 2.0
    height = step_mv * 3
    axis.hlines(np.arange(0, height + 0.01, 0.5), 0, 10, color=GRID, linewidth=0.5)
    axis.vlines(np.arange(0, 10.01, 0.2), 0, height, color=GRID, linewidth=0.5)
    for column, leads in enumerate(ROWS):
        for line, lead in enumerate(leads):
            if lead not in recording.leads:
                continue
            samples = recording.lead(lead)[column * n : (column + 1) * n]
            base = height - step_mv * (line + 0.55)
            trace = np.clip(samples - np.median(samples), -1.6, 1.8) + base
            axis.plot(column * 2.5 + seconds[: len(trace)], trace, color="#111111", linewidth=0.7)
            axis.text(column * 2.5 + 0.06, base + 0.55, lead, fontsize=6, color="#444444")
    axis.set(xlim=(0, 10), ylim=(0, height), aspect=0.4)
    axis.axis("off")
    axis.set_title(title, fontsize=8.5, color=colour, loc="left", pad=3)


def save(figure: Any, path: Path, colours: int = 32) -> None:
    """Write a PNG with few colours, which keeps drawings small."""
    from PIL import Image

    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=110, format="png")
    plt.close(figure)
    Image.open(buffer).convert("RGB").quantize(colours, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"wrote {path} ({path.stat().st_size / 1000:.0f} kB)")


if __name__ == "__main__":
    main()
