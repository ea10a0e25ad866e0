"""The command line's promises: fast help, one line an error, exit codes that scripts can rely on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from precordia.cli.main import COMMANDS, main
from precordia.cli.train import KINDS

HEAVY = (
    "torch",
    "faiss",
    "pandas",
    "pyarrow",
    "deltalake",
    "duckdb",
    "scipy",
    "wfdb",
    "numpy",
    "sleepecg",
    "transformers",
)


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from precordia.cli.main import build_parser; build_parser().format_help(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "precordia.cli.main" in loaded
    assert not set(HEAVY) & set(loaded)


@pytest.mark.parametrize("command", list(COMMANDS))
def test_every_command_says_what_it_does(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        main([command, "--help"])
    assert exit_info.value.code == 0
    assert f"precordia {command}" in capsys.readouterr().out


def test_results_can_be_had_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    for words in [*([c] for c in COMMANDS if c not in ("serve", "train")), *(["train", kind] for kind in KINDS)]:
        with pytest.raises(SystemExit):
            main([*words, "--help"])
        assert "--json" in capsys.readouterr().out, words


@pytest.mark.parametrize(
    "arguments",
    [
        ["search", "--kb", "nowhere", "--text", "x"],
        ["report", "--kb", "nowhere", "missing.dcm"],
        ["inspect", "missing.hea"],
        ["build", "no-such-folder", "--kb", "kb"],
        ["search"],
    ],
)
def test_bad_usage_and_unusable_input_are_one_line_and_exit_2(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith(f"precordia {arguments[0]}: ")


def test_a_file_that_is_no_ecg_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear colleague, thank you for your referral.")
    assert main(["inspect", str(path)]) == 2
    assert "letter.txt" in capsys.readouterr().err


def test_an_unknown_command_lists_the_choices(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        main(["sarch"])
    assert exit_info.value.code == 2
    assert "search" in capsys.readouterr().err


def test_inspect_prints_json_only_on_stdout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import numpy as np

    t = np.arange(5000) / 500
    waves = ((0.12, 0.22, 0.025), (-0.1, 0.375, 0.008), (1.0, 0.4, 0.012), (-0.2, 0.43, 0.01), (0.3, 0.65, 0.05))
    beat = sum(a * np.exp(-0.5 * (((t % 0.8) - at) / width) ** 2) for a, at, width in waves)
    rows = np.stack([beat * (1 + 0.1 * i) for i in range(2)])
    path = tmp_path / "two.csv"
    path.write_text("I,II\n" + "\n".join(f"{a:.4f},{b:.4f}" for a, b in rows.T))
    path.with_suffix(".json").write_text(json.dumps({"fs": 500, "units": "mV"}))
    assert main(["inspect", str(path), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["leads"] == ["I", "II"]
    assert document["fs"] == 500
    assert document["measurements"]["heart_rate_bpm"] == pytest.approx(75, abs=1)
    assert {"quality", "findings", "vendor_statements"} <= set(document)


def test_a_mistake_of_ours_shows_its_place_but_no_content(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import precordia.cli.inspect

    def fail(args: object) -> int:
        raise ValueError("Jane Doe, left bundle branch block")

    monkeypatch.setattr(precordia.cli.inspect, "run", fail)
    monkeypatch.delenv("PRECORDIA_DEBUG", raising=False)
    assert main(["inspect", "x"]) == 1
    error = capsys.readouterr().err
    assert "ValueError" in error
    assert "Jane" not in error
    assert error.count("\n") == 1
    monkeypatch.setenv("PRECORDIA_DEBUG", "1")
    with pytest.raises(ValueError, match="Jane"):
        main(["inspect", "x"])


HOSTILE = "Sinus\x1b[2J rhythm \u202eemit\nforged line\x9b31m \U000e0041"


def test_results_and_errors_show_what_a_terminal_would_obey(capsys: pytest.CaptureFixture[str]) -> None:
    from precordia.cli.console import note, say

    say(HOSTILE)
    note(HOSTILE)
    printed = capsys.readouterr()
    for text in (printed.out, printed.err):
        assert text.endswith("\n")
        assert text[:-1].isprintable()
        assert "\\x1b[2J" in text


def test_json_escapes_them_and_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    from precordia.cli.console import print_json

    print_json({"report": HOSTILE, HOSTILE: "ä"})
    text = capsys.readouterr().out
    assert text.replace("\n", "").isprintable()
    assert json.loads(text) == {"report": HOSTILE, HOSTILE: "ä"}
    assert "ä" in text


def test_a_file_that_is_not_there_is_named_without_its_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "no\x1b[31mfile\u202e"]) == 2
    assert capsys.readouterr().err.strip().isprintable()


@pytest.mark.parametrize(
    "options",
    [
        ["report", "x.csv", "--html"],
        ["inspect", "x.csv", "--infer-leads"],
        ["inspect", "x.csv", "--draw-ecg"],
        ["build", "x", "--dry-run", "--suggest-mapping"],
    ],
)
def test_a_page_that_cannot_be_written_is_said_before_the_work(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, said in ((tmp_path, "a folder"), (tmp_path / "no" / "page.html", "there is no folder")):
        assert main([*options, str(name)]) == 2
        assert capsys.readouterr().err.startswith(f"precordia {options[0]}: {name}: {said}")


def test_a_knowledge_base_that_is_a_file_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "kb").write_text("x")
    assert main(["search", "--text", "AF", "--kb", str(tmp_path / "kb")]) == 2
    assert "a file, and a knowledge base is a folder" in capsys.readouterr().err


def test_a_mistyped_task_is_said_before_missing_data(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("PRECORDIA_DATA", raising=False)
    assert main(["eval", "retrieva"]) == 2
    assert "did you mean 'retrieval'" in capsys.readouterr().err
