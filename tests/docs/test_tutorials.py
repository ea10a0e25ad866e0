"""What is relied on: each tutorial works word for word, from an empty folder."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from precordia.cli.main import main

TUTORIALS = sorted((Path(__file__).parents[2] / "docs" / "tutorials").glob("*.md"))
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```", re.DOTALL | re.MULTILINE)
TELL = r"""tell() { printf '%s\0' "$@"; }; precordia() { tell precordia "$@"; }; python() { tell python "$@"; };"""


def commands(kind: str, code: str) -> Iterator[list[str]]:
    """The words of each command of a block, split and filled in by a shell once those before it are done."""
    if kind == "python":
        yield ["python", "-c", code]
        return
    for line in code.replace("\\\n", " ").splitlines():
        assert not re.search(r"[|;&><]", re.sub(r"'[^']*'|\"[^\"]*\"", "", line)), f"more than one command: {line}"
        told = subprocess.run(["bash", "-e", "-c", TELL + line], capture_output=True, text=True, check=True)
        assert told.stdout, f"neither precordia nor python: {line}"
        yield told.stdout.split("\0")[:-1]


@pytest.mark.slow
@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_tutorial_works_word_for_word(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = BLOCK.findall(page.read_text(encoding="utf-8"))
    assert found
    monkeypatch.chdir(tmp_path)
    for kind, code in found:
        for program, *words in commands(kind, code):
            if program == "python":
                assert words[0] == "-c"
                exec(compile(words[1], page.name, "exec"), {"__name__": "__main__"})
            else:
                assert main(words) == 0, f"{words}\n{capsys.readouterr().err}"
