"""What every objective must do: a test class inherits :class:`ObjectiveContract` and gives ``make``."""

from __future__ import annotations

from precordia.encoders.objectives.objective import Objective, Step


class ObjectiveContract:
    """A finite scalar that the network can learn from."""

    def make(self) -> tuple[Objective, Step]:
        """The objective and a small batch."""
        raise NotImplementedError

    def test_the_loss_is_a_finite_scalar_with_a_gradient(self) -> None:
        objective, step = self.make()
        loss = objective(step)
        assert loss.ndim == 0
        assert bool(loss.isfinite())
        assert loss.requires_grad
