"""The model card that every checkpoint carries: what it was trained on, how, and what it may not be used for."""

from __future__ import annotations

from pathlib import Path

from precordia.encoders.corpus import Corpus
from precordia.encoders.encoder import SignalEncoder
from precordia.encoders.outcome import Outcome
from precordia.encoders.recipe import ObjectiveSetting, Recipe


def write_card(folder: Path, recipe: Recipe, corpus: Corpus, encoder: SignalEncoder) -> None:
    """Write ``card.md`` into a checkpoint's folder, with what its ``training.json`` says where there is one.

    Raises:
        CheckpointError: ``training.json`` is not one.
    """
    training = ~corpus.held_out
    parameters = sum(p.numel() for p in encoder.network.parameters())
    sources = sorted({recording_id.split(":")[0] for recording_id in corpus.ids if ":" in recording_id}) or [
        "one archive"
    ]
    objectives = "\n".join(map(_objective, recipe.objectives))
    words = sum(t is not None and bool(keep) for t, keep in zip(corpus.texts, training, strict=True))
    left_out = ", ".join(f"{k} in ({', '.join(v)})" for k, v in recipe.exclude.items()) or "nothing"
    text = f"""# Encoder `{recipe.name}`

| | |
|---|---|
| fingerprint | `{encoder.fingerprint}` |
| signal spec | version {encoder.spec.version}, `{encoder.spec.fingerprint}`: {encoder.spec.fs:g} Hz, {encoder.spec.highpass_hz:g}-{encoder.spec.lowpass_hz:g} Hz, windows of {encoder.spec.window_s:g} s |
| parameters | {parameters:,} |
| embedding | {encoder.dim}, unit norm |
| text encoder aligned with | `{encoder.text_fingerprint or "none"}` |
| recordings trained on | {int(training.sum()):,} ({", ".join(sources)}), of which {words:,} with a report, {int((~corpus.calibrated & training).sum()):,} with amplitudes known lead by lead only |
| recordings held out to watch the losses | {int(corpus.held_out.sum()):,} |
| left out by the recipe | {left_out} |
| data hash | `{corpus.data_hash}` |
| seed, epochs | {recipe.seed}, {recipe.epochs} |

Objectives:
{objectives}

{_outcome(Outcome.load(folder), recipe)}

No diagnosis code was used. Objectives named after reports or text, and `optimal_transport`, learn from the words of the
reports: they are supervision by text. `report_findings` uses what `precordia.concepts` reads in those words.

Made for research on retrieval of similar ECGs. Not a medical device. The recipe is `recipe.json`, the losses are `curve.csv`.
"""  # noqa: E501
    (folder / "card.md").write_text(text, encoding="utf-8")


def _objective(objective: ObjectiveSetting) -> str:
    options = f", {dict(objective.options)}" if objective.options else ""
    start = f", after {objective.start:.0%} of the epochs" if objective.start > 0 else ""
    return f"- `{objective.name}`, weight {objective.weight:g}{options}{start}"


def _outcome(outcome: Outcome | None, recipe: Recipe) -> str:
    """How the training went, as Markdown."""
    if outcome is None:
        return "How the training went was not recorded."
    rows = [
        ("epochs done", f"{outcome.epochs} of {recipe.epochs}, {outcome.steps:,} steps"),
        (
            "weights kept",
            f"epoch {outcome.best_epoch}" + (f", best {recipe.watch}" if recipe.patience else ", the last"),
        ),
        ("started from", f"`{outcome.started_from}`" if outcome.started_from else "random weights"),
        ("time", f"{outcome.seconds / 60:.1f} min, {outcome.processes} process(es) on {outcome.hardware}"),
        ("precision", recipe.precision),
        ("versions", ", ".join(f"{name} {version}" for name, version in outcome.versions.items())),
    ]
    if outcome.probe_findings:
        rows.append(("findings the probe was asked about", ", ".join(outcome.probe_findings)))
    end = [f"| {name} | {value:.4g} |" for name, value in outcome.curve_end.items() if name != "learning_rate"]
    facts = [f"| {name} | {value} |" for name, value in rows]
    return "\n".join(["| training | |", "|---|---|", *facts, "", "| end of the curve | |", "|---|---|", *end])
