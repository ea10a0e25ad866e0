"""How a training is shown: a bar and a line an epoch on stderr, and TensorBoard if asked."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from precordia.encoders.training import Progress, Tick


class Display:
    """A line an epoch on stderr; on a terminal, a bar over the batches of the present epoch as well."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._bar: Any = None

    def tick(self, at: Tick) -> None:
        """After a batch."""
        if not sys.stderr.isatty():
            return
        if self._bar is None:
            from tqdm import tqdm

            self._bar = tqdm(total=at.batches, desc=f"epoch {at.epoch}", unit="batch", file=sys.stderr, leave=False)
        self._bar.set_postfix_str(f"loss {at.loss:.3f}", refresh=False)
        self._bar.update(at.batch - self._bar.n)

    def epoch(self, at: Progress) -> None:
        """After an epoch."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        shown = " ".join(f"{k} {v:.3f}" for k, v in at.losses.items() if k != "learning_rate")
        spent = time.monotonic() - self._begun
        print(f"epoch {at.epoch}/{at.epochs} {spent:.0f} s {shown}", file=sys.stderr, flush=True)


def tensorboard(folder: Path) -> Callable[[Progress], None]:
    """Writes what the curve gets into ``folder/tensorboard``; epochs that are trained again replace the earlier ones.

    Raises:
        MissingExtraError: tensorboard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        from precordia.core.errors import MissingExtraError

        raise MissingExtraError("tensorboard", "train", "--tensorboard") from error
    writers: list[Any] = []

    def watch(at: Progress) -> None:
        if not writers:
            writers.append(SummaryWriter(str(folder / "tensorboard"), purge_step=at.epoch))
        for name, value in at.losses.items():
            writers[0].add_scalar(name, value, at.epoch)
        writers[0].flush()

    return watch
