"""Fine-tuning a local Hugging Face model: a LoRA adapter (Hu et al. 2021) on prompts and the replies wanted, through peft.

The ECG reaches such a model as text, by its measurements and precedents in the prompt; it sees no embedding. The folder
that is written holds the adapter alone and names the folder of its base model: ``--llm hf:FOLDER`` loads both.

It fits in 10 GB and two cores: one lesson at a time goes through the model, its activations are computed again where they are
needed (checkpointing), and only the positions of the reply are compared with the vocabulary. Gradients of several lessons
make one step.
"""

from __future__ import annotations

import csv
import inspect
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from precordia.core.drafts import Prompt, PromptSize
from precordia.core.errors import CheckpointError, InputError, MissingExtraError, UsageError
from precordia.language_models.hf_folder import as_text
from precordia.language_models.hf_weights import RECORD, base_of, load_weights, peft_beside_transformers

STATE: Final = "state.pt"
CURVE: Final = "curve.csv"
_ROWS: Final = ("step", "epoch", "loss")


@dataclass(frozen=True)
class LoraSettings:
    """How an adapter is trained.

    Attributes:
        rank, alpha, dropout: Of the adapter, on every linear layer.
        epochs: Passes over the lessons.
        batch_size: Lessons a step, one after the other.
        learning_rate: Of AdamW, falling linearly.
        max_tokens: Longest prompt and reply together; longer lessons are passed over, and counted.
        checkpointing: Compute activations again instead of keeping them: a third more time, a fraction of the memory.
        save_every: Steps between two states that training can go on from.
        seed: Of weights, order and dropout.
    """

    rank: int = 8
    alpha: int = 16
    dropout: float = 0.05
    epochs: int = 1
    batch_size: int = 4
    learning_rate: float = 2e-4
    max_tokens: int = 2048
    checkpointing: bool = True
    save_every: int = 50
    seed: int = 42


@dataclass(frozen=True)
class Lesson:
    """A prompt with the reply that is wanted."""

    prompt: Prompt
    reply: str


@dataclass(frozen=True)
class Trained:
    """What came of a training.

    Attributes:
        losses: Mean loss a token of the replies, in each epoch.
        lessons: Learned from.
        too_long: Passed over.
    """

    losses: tuple[float, ...]
    lessons: int
    too_long: int


@dataclass(frozen=True)
class _Row:
    """Token ids of prompt, reply and end, and where the reply begins."""

    ids: tuple[int, ...]
    begins: int


def fine_tune(
    folder: Path,
    lessons: Sequence[Lesson],
    out: Path,
    settings: LoraSettings | None = None,
    watch: Callable[[int, float], None] | None = None,
    *,
    resume: bool = False,
    prompt_size: PromptSize = "full",
    sees_judgement: bool = True,
) -> Trained:
    """Write an adapter, its curve, and a state from which training goes on to the same end.

    Args:
        folder: Of the base model, whole or itself an adapter's base.
        lessons: What to learn.
        out: For the adapter.
        settings: How.
        watch: Told number and loss of each epoch.
        resume: Go on from the state in ``out``, where there is one.
        prompt_size: Of the lessons' prompts, which the adapter will be shown again.
        sees_judgement: Whether those show what the judgement says.

    Raises:
        UsageError: the folder holds no whole model.
        InputError: there is no lesson that is short enough.
        CheckpointError: the state belongs to another training.
        MissingExtraError: peft is not installed.
    """
    settings = settings or LoraSettings()
    if not lessons:
        raise InputError("there is nothing to fine-tune on: no report in --data")
    if base_of(folder) != folder:
        raise UsageError(f"{folder}: is an adapter already; fine-tune its base model, {base_of(folder)}")
    import torch

    torch.manual_seed(settings.seed)
    model, tokenizer = load_weights(folder)
    every = [_row(lesson, tokenizer) for lesson in lessons]
    rows = [row for row in every if len(row.ids) <= settings.max_tokens]
    if not rows:
        raise InputError(
            f"each of the {len(every)} lessons exceeds {settings.max_tokens} tokens; lower the prompt's token budget"
        )
    adapted = _adapted(model, settings)
    run = _Run(adapted, rows, out, settings)
    if resume:
        run.go_on()
    means = run.train(watch)
    adapted.peft_config["default"].base_model_name_or_path = str(folder.resolve())
    adapted.save_pretrained(str(out))
    (out / "README.md").unlink(missing_ok=True)  # peft's empty model card
    record = {
        "settings": asdict(settings),
        "lessons": len(rows),
        "too_long": len(every) - len(rows),
        "losses": [round(v, 6) for v in means],
        "prompt_size": prompt_size,
        "sees_judgement": sees_judgement,
    }
    (out / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return Trained(tuple(means), len(rows), len(every) - len(rows))


def _adapted(model: Any, settings: LoraSettings) -> Any:
    try:
        from peft import LoraConfig, get_peft_model  # type: ignore[import-untyped,unused-ignore]
    except ImportError:
        raise MissingExtraError("peft", "llm", "fine-tuning a local model") from None
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
        fan_in_fan_out=_transposed(model),
    )
    with peft_beside_transformers():
        if settings.checkpointing and model.supports_gradient_checkpointing:
            model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
            model.config.use_cache = False
        return get_peft_model(model, config)


class _Run:
    """A training, step by step; it ends the same whether it was interrupted or not."""

    def __init__(self, adapted: Any, rows: Sequence[_Row], out: Path, settings: LoraSettings) -> None:
        import torch

        self.adapted, self.rows, self.out, self.settings = adapted, rows, out, settings
        self.weights = {name: p for name, p in adapted.named_parameters() if p.requires_grad}
        self.optimiser = torch.optim.AdamW(self.weights.values(), lr=settings.learning_rate)
        self.curve: list[tuple[int, int, float]] = []
        self._narrow = "logits_to_keep" in inspect.signature(adapted.get_base_model().forward).parameters
        out.mkdir(parents=True, exist_ok=True)

    @property
    def _identity(self) -> dict[str, Any]:
        # How often it is saved, and whether activations are kept, change nothing of what is learned.
        fixed = asdict(replace(self.settings, save_every=1, checkpointing=True))
        return {"settings": fixed, "rows": len(self.rows), "tokens": sum(len(row.ids) for row in self.rows)}

    def train(self, watch: Callable[[int, float], None] | None) -> list[float]:
        """Mean loss of each epoch."""
        import torch

        s = self.settings
        a_pass = -(-len(self.rows) // s.batch_size)
        self.adapted.train()
        for step, (epoch, batch) in enumerate(self._batches()):
            if step < len(self.curve):
                continue
            torch.manual_seed(s.seed * 1_000_003 + step)  # dropout, the same after an interruption
            for group in self.optimiser.param_groups:
                group["lr"] = s.learning_rate * (1 - step / (s.epochs * a_pass))
            loss = self._step(batch)
            self.curve.append((step, epoch, loss))
            ends = (step + 1) % a_pass == 0
            if ends or (step + 1) % s.save_every == 0:
                self._save()
            if ends and watch is not None:
                watch(epoch + 1, self._mean(epoch))
        return [self._mean(epoch) for epoch in range(s.epochs)]

    def go_on(self) -> None:
        """Take up the state that an interrupted training left."""
        import torch

        path = self.out / STATE
        if not path.is_file():
            return
        state = torch.load(path, weights_only=True)
        if state["identity"] != self._identity:
            raise CheckpointError(f"{path}: belongs to a training with other settings or lessons; choose another --out")
        for name, parameter in self.weights.items():
            parameter.data.copy_(state["weights"][name])
        self.optimiser.load_state_dict(state["optimiser"])
        self.curve = [(int(step), int(epoch), float(loss)) for step, epoch, loss in state["curve"]]

    def _step(self, batch: Sequence[_Row]) -> float:
        """One step; the mean loss a token of the replies."""
        wanted = sum(len(row.ids) - row.begins for row in batch)
        self.optimiser.zero_grad()
        total = 0.0
        for row in batch:
            loss = self._loss(row) / wanted
            loss.backward()
            total += float(loss.detach())
        self.optimiser.step()
        return total

    def _loss(self, row: _Row) -> Any:
        """Summed over the tokens of a reply."""
        import torch

        device = self.adapted.device
        ids = torch.tensor([row.ids], device=device)
        n = len(row.ids) - row.begins
        narrow = {"logits_to_keep": n + 1} if self._narrow else {}
        logits = self.adapted(input_ids=ids, use_cache=False, **narrow).logits[0, -(n + 1) : -1]
        return torch.nn.functional.cross_entropy(logits.float(), ids[0, row.begins :], reduction="sum")

    def _batches(self) -> Iterator[tuple[int, list[_Row]]]:
        import numpy as np

        for epoch in range(self.settings.epochs):
            order = np.random.default_rng([self.settings.seed, epoch]).permutation(len(self.rows)).tolist()
            for start in range(0, len(order), self.settings.batch_size):
                yield epoch, [self.rows[i] for i in order[start : start + self.settings.batch_size]]

    def _mean(self, epoch: int) -> float:
        losses = [loss for _, at, loss in self.curve if at == epoch]
        return sum(losses) / len(losses)

    def _save(self) -> None:
        import torch

        state = {
            "identity": self._identity,
            "weights": {name: p.detach().clone() for name, p in self.weights.items()},
            "optimiser": self.optimiser.state_dict(),
            "curve": self.curve,
        }
        temporary = self.out / f"{STATE}.new"
        torch.save(state, temporary)
        temporary.replace(self.out / STATE)
        with (self.out / CURVE).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(_ROWS)
            writer.writerows((step, epoch, f"{loss:.6f}") for step, epoch, loss in self.curve)


def _row(lesson: Lesson, tokenizer: Any) -> _Row:
    prompt = tokenizer(as_text(lesson.prompt.messages, tokenizer), add_special_tokens=False)["input_ids"]
    reply = [*tokenizer(lesson.reply, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
    return _Row((*prompt, *reply), len(prompt))


def _transposed(model: Any) -> bool:
    """Whether the model's layers keep their weights the other way round, as GPT-2's do."""
    return any(type(module).__name__ == "Conv1D" for module in model.modules())
