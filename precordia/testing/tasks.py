"""What every evaluation task must do: a test class inherits :class:`TaskContract` and gives ``task`` and ``settings``."""

from __future__ import annotations

from precordia.eval.harness.task import Settings, Task


class TaskContract:
    """It says what it measures, repeats its figures, and its samples can be compared."""

    task: Task

    def settings(self) -> Settings:
        """A run that takes seconds."""
        raise NotImplementedError

    def test_it_says_what_it_measures_and_on_what(self) -> None:
        for text in (self.task.card.name, self.task.card.summary, self.task.card.protocol, self.task.card.source):
            assert text.strip()
        assert "\n" not in self.task.card.summary

    def test_the_same_run_has_the_same_figures(self) -> None:
        first, second = self.task.run(self.settings()), self.task.run(self.settings())
        assert first.task == self.task.card.name
        # As text: a figure that is not defined is no number, and equals none.
        figures = [[repr(row) for row in result.rows if not row.machine] for result in (first, second)]
        assert figures[0] == figures[1] != []

    def test_its_samples_have_the_same_keys(self) -> None:
        samples = self.task.run(self.settings()).samples
        assert len({frozenset(sample) for sample in samples}) <= 1
        assert all({"sample", "patient"} <= set(sample) for sample in samples)
