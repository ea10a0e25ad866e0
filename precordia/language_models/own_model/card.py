"""The model card that every checkpoint carries."""

from __future__ import annotations

from pathlib import Path

from precordia.language_models.own_model.material import Material
from precordia.language_models.own_model.model import OwnModel
from precordia.language_models.own_model.recipe import Recipe


def write_card(folder: Path, recipe: Recipe, material: Material, model: OwnModel) -> None:
    """Write ``card.md`` into a checkpoint's folder."""
    training = [e for e in material.ecgs if not e.held_out]
    measured = "" if recipe.sees.measurements else "no "
    written = sum(bool(e.report) for e in training)
    text = f"""# Language model `{recipe.name}`

| | |
|---|---|
| fingerprint | `{model.fingerprint}` |
| parameters | {model.parameters:,} |
| tokens | {len(model.layout.tokenizer):,} |
| sees | {recipe.sees.ecg} of the ECG, {recipe.sees.precedents} precedents, {measured}measurements |
| encoder | `{model.encoder}`, `{model.encoder_fingerprint}`; with another it refuses to load |
| ECGs trained on | {len(training):,}, of which {written:,} with a report; {recipe.simulated} simulated |
| questions about them | {sum(len(e.questions) for e in training):,}, {recipe.questions:,} drawn for each epoch |
| reports without a signal | {len(material.texts):,}, {recipe.texts:,} drawn for each pass |
| folds trained on | {", ".join(map(str, recipe.archive))} of PTB-XL; chosen on {", ".join(map(str, recipe.held_out))} |
| data hash | `{material.data_hash}` |
| seed, epochs | {recipe.seed}, {recipe.text_epochs} without signals and {recipe.epochs} with |

It writes canonical statements of the project's vocabulary and answers of the questions it was trained on, nothing else: no
words of a report were shown to it or to its tokenizer, so that none can be read from its weights. What it writes is a
suggestion to be grounded, never a finding of its own. Not a medical device. The recipe is `recipe.json`, the losses are
`curve.csv`.
"""
    (folder / "card.md").write_text(text, encoding="utf-8")
