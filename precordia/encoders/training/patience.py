"""Early stop: which epoch was the best so far, its weights, and when to stop waiting for a better one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from precordia.core.errors import UsageError


class Patience:
    """Watches one column of the curve.

    Args:
        name: The column. One whose name starts with "probe" is to rise, all others are to fall.
        epochs: Epochs without improvement after which training stops; 0 to do nothing.
    """

    def __init__(self, name: str, epochs: int) -> None:
        self.name, self.epochs = name, epochs
        self.best_epoch = 0
        self._value = float("-inf")
        self._weights: dict[str, dict[str, Tensor]] = {}

    def see(self, epoch: int, losses: Mapping[str, float], **modules: nn.Module) -> None:
        """Take note of an epoch that was looked at; the modules' weights are kept when it is the best.

        Raises:
            UsageError: the column was not measured.
        """
        if not self.epochs:
            return
        if self.name not in losses:
            raise UsageError(
                f"the recipe watches {self.name}, which this data does not give: it needs recordings held out"
                + (", with reports that state findings" if self.name.startswith("probe") else "")
            )
        value = losses[self.name] * (1.0 if self.name.startswith("probe") else -1.0)
        if value > self._value:
            self._value, self.best_epoch = value, epoch
            self._weights = {
                name: {k: v.detach().cpu().clone() for k, v in module.state_dict().items()}
                for name, module in modules.items()
            }

    def is_over(self, epoch: int) -> bool:
        """Whether to stop after this epoch."""
        return self.epochs > 0 and self.best_epoch > 0 and epoch - self.best_epoch >= self.epochs

    def restore_best(self, **modules: nn.Module) -> None:
        """Give the modules the weights of the best epoch, if one was watched for."""
        for name, module in modules.items():
            if name in self._weights:
                module.load_state_dict(self._weights[name])

    def state(self) -> dict[str, Any]:
        """What :meth:`load_state` takes."""
        return {"best_epoch": self.best_epoch, "value": self._value, "weights": self._weights}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from a kept state."""
        self.best_epoch, self._value, self._weights = state["best_epoch"], state["value"], state["weights"]
