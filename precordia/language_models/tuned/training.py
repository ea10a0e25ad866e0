"""Teaching: forecasts of ECG tokens first, then reports and questions, then episodes; it can be cut off at any step.

What the lower layers make of a lesson's text does not change, and is kept from the first pass on. Only the reply's tokens are
compared with the vocabulary. ``state.pt`` holds what training goes on from, and ends at the same weights; ``curve.csv`` has a
row each time it is written.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from precordia.core.errors import CheckpointError
from precordia.language_models.own_model.context import Example
from precordia.language_models.tuned.episodes import by_class, draw, learn_from
from precordia.language_models.tuned.lessons import TunedLessons
from precordia.language_models.tuned.model import steps_of
from precordia.language_models.tuned.network import Text, TunedNetwork
from precordia.language_models.tuned.recipe import TunedRecipe
from precordia.language_models.tuned.words import asked, written

STATE: Final = "state.pt"
CURVE: Final = "curve.csv"
_COLUMNS: Final = ("step", "steps", "stage", "loss", "held_out_loss", "held_out_loss_with_another_ecg")
_GROUP: Final = 8
"""Lessons that the lower layers read at a time."""
Row = tuple[int, int, str, float, float, float]


@dataclass(frozen=True)
class Point:
    """Where training is: step of steps, what is learned, its mean loss since the last point, and that on held-out lessons: as
    they are, and shown another's ECG (no number where no ECG is seen): no lower is the first where the ECG is not used.
    """

    step: int
    steps: int
    stage: str
    loss: float
    held_out: float
    other_ecg: float


@dataclass(frozen=True, eq=False)
class _Lesson:
    """A lesson as tokens, and where its reply begins."""

    example: Example
    ids: list[int]
    begins: int


class _Below:
    """What the lower layers make of lessons, each read once.

    Lessons are read in groups that are always the same, so that rounding is, whatever was read before.
    """

    def __init__(self, network: TunedNetwork, lessons: Sequence[_Lesson]) -> None:
        self._network, self._lessons = network, lessons
        order = sorted(range(len(lessons)), key=lambda i: (len(lessons[i].ids), i))
        groups = [order[start : start + _GROUP] for start in range(0, len(order), _GROUP)]
        self._group = {i: group for group in groups for i in group}
        self._known: dict[int, Tensor] = {}

    def of(self, rows: Sequence[int]) -> Text:
        """Of some lessons, padded in front."""
        for i in rows:
            if i not in self._known:
                group = self._group[i]
                x, there = self._network.below([self._lessons[j].ids for j in group])
                for row, j in enumerate(group):
                    self._known[j] = x[row, there[row]].to(torch.bfloat16)
        found = [self._known[i] for i in rows]
        longest = max(map(len, found))
        out = torch.zeros(len(rows), longest, found[0].shape[1], dtype=self._network.model.dtype)
        seen = torch.zeros(len(rows), longest, dtype=torch.bool)
        for row, x in enumerate(found):
            out[row, longest - len(x) :], seen[row, longest - len(x) :] = x, True
        return out, seen


class Teaching:
    """A training, step by step; it ends the same whether it was interrupted or not.

    Args:
        network: To be taught.
        tokenizer: Of the language model.
        recipe: How.
        lessons: On what.
        folder: For state and curve.
        data_hash: Of the material; a state of another is refused.
    """

    def __init__(
        self,
        network: TunedNetwork,
        tokenizer: Any,
        recipe: TunedRecipe,
        lessons: TunedLessons,
        folder: Path,
        data_hash: str,
    ) -> None:
        self.network, self.recipe, self.folder = network, recipe, folder
        self._tokenizer = tokenizer
        self._end = int(tokenizer.eos_token_id)
        self._lessons = [self._lesson(e) for e in lessons.examples]
        self._held = [self._lesson(e) for e in lessons.held_out]
        self._below, self._held_below = _Below(network, self._lessons), _Below(network, self._held)
        self._weights = {n: p for n, p in network.named_parameters() if p.requires_grad}
        self._optimiser = torch.optim.AdamW(self._weights.values(), lr=recipe.learning_rate, weight_decay=0.01)
        self.curve: list[Row] = []
        self._step, self._losses = 0, [0.0, 0.0]
        self._identity = hashlib.sha256(
            f"{replace(recipe, save_every=1).to_json()}{data_hash}{len(self._lessons)}".encode()
        ).hexdigest()[:16]
        folder.mkdir(parents=True, exist_ok=True)

    def go_on(self) -> None:
        """Take up the state that an interrupted training left.

        Raises:
            CheckpointError: it belongs to another recipe or other data.
        """
        path = self.folder / STATE
        if not path.is_file():
            return
        state = torch.load(path, weights_only=True)
        if state["identity"] != self._identity:
            raise CheckpointError(f"{path}: belongs to another recipe, encoder or data; choose another --out")
        for name, parameter in self._weights.items():
            parameter.data.copy_(state["weights"][name])
        self._optimiser.load_state_dict(state["optimiser"])
        self._step = int(state["step"])
        self.curve = [(int(a), int(b), str(c), float(d), float(e), float(f)) for a, b, c, d, e, f in state["curve"]]

    def run(self, watch: Callable[[Point], None] | None = None) -> None:
        """All steps that are left."""
        if self._step == 0 and self.network.mouth is not None:
            self.network.measure(self.network.below([lesson.ids for lesson in self._lessons[:8]]))
        plan = self._plan()
        self.network.train()
        for step in range(self._step, len(plan)):
            stage, number = plan[step]
            torch.manual_seed(self.recipe.seed * 1_000_003 + step)  # noise, the same after an interruption
            for group in self._optimiser.param_groups:
                group["lr"] = self.recipe.learning_rate * (1 - step / len(plan))
            self._optimiser.zero_grad()
            loss = {"forecast": self._forecast, "lessons": self._learn, "episodes": self._episode}[stage](number)
            torch.nn.utils.clip_grad_norm_(self._weights.values(), 1.0)
            self._optimiser.step()
            self._step, self._losses = step + 1, [self._losses[0] + loss, self._losses[1] + 1]
            last = self._step == len(plan)
            if last or self._step % self.recipe.save_every == 0 or plan[self._step][0] != stage:
                self._save(stage, len(plan), watch)
        self.network.eval()

    def _plan(self) -> list[tuple[str, int]]:
        """Stage and number of each step."""
        r, a_pass = self.recipe, -(-len(self._lessons) // self.recipe.batch_size)
        plan = [("forecast", n) for n in range(r.forecasts * a_pass)]
        plan += [("lessons", n) for n in range(r.epochs * a_pass)]
        return plan + [("episodes", n) for n in range(r.episodes.number if r.episodes else 0)]

    def _batch(self, number: int, stream: int) -> list[int]:
        """Lessons alike in length, drawn by seed and pass: padding costs what words cost."""
        size = self.recipe.batch_size
        a_pass = -(-len(self._lessons) // size)
        rng = np.random.default_rng([self.recipe.seed, stream, number // a_pass])
        order = rng.permutation(len(self._lessons)).tolist()
        chunk = 12 * size
        near = [
            i
            for start in range(0, len(order), chunk)
            for i in sorted(order[start : start + chunk], key=lambda i: len(self._lessons[i].ids))
        ]
        at = int(rng.permutation(a_pass)[number % a_pass]) * size
        return near[at : at + size]

    def _forecast(self, number: int) -> float:
        steps = steps_of([self._lessons[i].example.shown for i in self._batch(number, 0)])
        return _backward(self.network.forecast_loss(steps))

    def _learn(self, number: int) -> float:
        rows = self._batch(number, 1)
        lessons = [self._lessons[i] for i in rows]
        text = self._below.of(rows)
        return _backward(self._loss(lessons, text, self.network.ecg if self.network.mouth else None))

    def _episode(self, number: int) -> float:
        shape, mouth = self.recipe.episodes, self.network.mouth
        assert shape is not None
        assert mouth is not None
        classes = by_class([lesson.example for lesson in self._lessons], shape.shots + shape.queries)
        episode = draw(classes, shape, number, self.recipe.seed)

        def loss(examples: Sequence[Example], vectors: Callable[[Tensor], Tensor]) -> Tensor:
            lessons = [self._lesson(e) for e in examples]
            text = self.network.below([lesson.ids for lesson in lessons])
            return self._loss(lessons, text, lambda steps: self.network.sized(vectors(steps)))

        return learn_from(mouth, episode, shape, loss)

    def _loss(self, lessons: Sequence[_Lesson], text: Text, vectors: Callable[[Tensor], Tensor] | None) -> Tensor:
        ecg = vectors(steps_of([lesson.example.shown for lesson in lessons])) if vectors is not None else None
        return self.network.loss(text, [lesson.ids for lesson in lessons], [lesson.begins for lesson in lessons], ecg)

    def _held_out(self, *, other: bool = False) -> float:
        """Mean loss a lesson that is held out; ``other``: each shown another's ECG."""
        mouth = self.network.mouth
        if other and mouth is None:
            return float("nan")
        vectors = (lambda steps: self.network.ecg(steps.roll(int(other), 0))) if mouth is not None else None
        self.network.eval()
        size, losses = 16, []
        with torch.inference_mode():
            for start in range(0, len(self._held), size):
                some = self._held[start : start + size]
                text = self._held_below.of(range(start, start + len(some)))
                losses += [float(self._loss(some, text, vectors))] * len(some)
        self.network.train()
        return float(np.mean(losses))

    def _lesson(self, example: Example) -> _Lesson:
        prompt = self._tokens(asked(example.shown, example.question, self.recipe.sees))
        return _Lesson(example, [*prompt, *self._tokens(written(example.answer)), self._end], len(prompt))

    def _tokens(self, text: str) -> list[int]:
        found: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        return found

    def _save(self, stage: str, steps: int, watch: Callable[[Point], None] | None) -> None:
        # Held-out lessons are looked at where a quarter of the training ends.
        looked = self._step == steps or self._step * 4 // steps > (self._step - self.recipe.save_every) * 4 // steps
        looked = looked and stage != "forecast"
        held, other = (self._held_out(), self._held_out(other=True)) if looked else (float("nan"),) * 2
        mean = self._losses[0] / self._losses[1]
        self.curve.append((self._step, steps, stage, mean, held, other))
        self._losses = [0.0, 0.0]
        state = {
            "identity": self._identity,
            "weights": {n: p.detach().clone() for n, p in self._weights.items()},
            "optimiser": self._optimiser.state_dict(),
            "step": self._step,
            "curve": [list(row) for row in self.curve],
        }
        temporary = self.folder / f"{STATE}.new"
        torch.save(state, temporary)
        temporary.replace(self.folder / STATE)
        with (self.folder / CURVE).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(_COLUMNS)
            writer.writerows((*row[:3], *("" if np.isnan(x) else f"{x:.6g}" for x in row[3:])) for row in self.curve)
        if watch is not None:
            watch(Point(self._step, steps, stage, mean, held, other))


def _backward(loss: Tensor) -> float:
    loss.backward()  # type: ignore[no-untyped-call]
    return float(loss.detach())
