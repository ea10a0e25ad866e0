from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from precordia.cli.main import main
from precordia.core.errors import InputError, UsageError
from precordia.eval.harness import results
from precordia.eval.harness.compare import compare
from precordia.eval.harness.task import Result, Settings, TaskCard


class Made:
    card = TaskCard("made", "", "", "", __name__)

    def run(self, settings: Settings) -> Result:
        raise NotImplementedError


def write(folder: Path, samples: Sequence[Mapping[str, object]], data: str = "x") -> str:
    result = Result("made", (), samples=samples, data={"d": data})
    results.write(results.document_of(Made(), result, Settings(folder)), samples, folder)
    return str(folder)


def samples_of(right: Sequence[bool], system: str = "s", start: int = 0) -> list[dict[str, object]]:
    return [
        {
            "sample": f"q{i}",
            "patient": f"p{i // 3}",
            "system": system,
            "correct": ok,
            "truth": i % 2 == 0,
            "score": i * ok,
        }
        for i, ok in enumerate(right, start)
    ]


def test_samples_are_joined_by_id_never_by_position(tmp_path: Path) -> None:
    right = [i % 3 != 0 for i in range(60)]
    a = write(tmp_path / "a", samples_of(right))
    b = write(tmp_path / "b", samples_of(right)[::-1])
    found = compare(a, b)
    assert (found.difference, found.low, found.high, found.p) == (0, 0, 0, 1)
    assert (found.n, found.n_patients) == (60, 20)


def test_a_better_system_is_told_from_a_worse_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    both = samples_of([True] * 60, "good") + samples_of([i % 2 == 0 for i in range(60)], "bad")
    folder = write(tmp_path / "a", both)
    assert main(["eval", "compare", f"{folder}@good", f"{folder}@bad", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["difference"] == pytest.approx(0.5)
    assert found["p"] < 0.01
    assert (found["a"], found["b"], found["metric"]) == ("made:good", "made:bad", "correct")
    assert main(["eval", "compare", f"{folder}@good", f"{folder}@bad"]) == 0
    assert "difference  +0.5000" in capsys.readouterr().out


def test_samples_that_one_lacks_are_left_out_and_counted(tmp_path: Path) -> None:
    a = write(tmp_path / "a", samples_of([True] * 12))
    b = write(tmp_path / "b", samples_of([True] * 12, start=3), data="y")
    found = compare(a, b)
    assert (found.n, found.only_a, found.only_b) == (9, 3, 3)
    assert found.warnings == ("the two runs read different data",)


def test_auroc_compares_two_columns(tmp_path: Path) -> None:
    a = write(tmp_path / "a", samples_of([True] * 40))
    b = write(tmp_path / "b", samples_of([i % 2 == 0 for i in range(40)]))
    found = compare(a, b, "auroc:truth:score")
    assert found.metric == "AUROC of score"
    assert found.value_b > 0.95
    assert found.difference < 0


def test_what_cannot_be_compared_says_why(tmp_path: Path) -> None:
    two = write(tmp_path / "a", samples_of([True] * 3, "x") + samples_of([True] * 3, "y"))
    far = write(tmp_path / "b", samples_of([True] * 3, start=100))
    twice = write(tmp_path / "c", samples_of([True] * 3) * 2)
    with pytest.raises(UsageError, match="choices: x, y"):
        compare(two, far)
    with pytest.raises(UsageError, match="choices: correct, truth, score"):
        compare(f"{two}@x", far, "speed")
    with pytest.raises(InputError, match="share no samples"):
        compare(f"{two}@x", far)
    with pytest.raises(InputError, match="more than once"):
        compare(twice, f"{two}@x")
