"""What is relied on: the signal checks that ship are those that their commands make."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

import precordia
from precordia.cli.main import main
from precordia.core.errors import InputError
from precordia.fitting.quality import fit


def test_the_fit_is_told_in_the_features_own_units() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(5, [0.1, 100.0], (400, 2))
    truth = (x[:, 0] - 5) / 0.1 + rng.normal(size=400) > 0
    found = fit(x, truth)
    odds = x @ np.array(found.weights) + found.intercept
    assert np.mean((odds > 0) == truth) > 0.7
    assert abs(found.weights[1]) * 100 < found.weights[0] * 0.1 / 3


@pytest.mark.data
@pytest.mark.parametrize(("what", "file", "n"), [("quality", "score.json", 499), ("swaps", "swap.json", 1490)])
def test_what_ships_is_what_the_command_writes(
    what: str, file: str, n: int, data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / file
    assert main(["train", what, "--data", str(data_dir), "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"what": what, "path": str(out), "recordings": n}
    shipped = (resources.files("precordia.records.quality") / file).read_bytes()
    assert out.read_bytes() == shipped
    assert f"precordia train {what} " in json.loads(shipped)["source"]


@pytest.mark.parametrize("what", ["quality", "swaps"])
def test_without_data_nothing_is_written(what: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=str(tmp_path)):
        precordia.train(what, data=tmp_path, out=tmp_path / "out.json")
    assert list(tmp_path.glob("out*")) == []
