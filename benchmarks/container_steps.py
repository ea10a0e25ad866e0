"""Run what the container file says, without an engine for containers: ``python -m benchmarks.container_steps [FOLDER]``.

Each stage is a folder with a virtual environment of its own, which stands for the base image: what is copied into it, and only
that, is there; its RUN lines are run by a shell; then a small knowledge base is made and the entry point started until the
health check passes. Not tried are what takes an engine: the base images, another user and read-only folders. torch comes
from where pip is told to look, not from the index that the file names.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
NEEDS_ROOT: Final = "useradd "
TOKEN_FILE: Final = "run/secrets/tokens"
READY_S: Final = 60


@dataclass
class Stage:
    """What one ``FROM`` begins: a folder in the place of ``/``, with Python."""

    root: Path
    folder: str = "/"
    settings: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        subprocess.run([sys.executable, "-m", "venv", self.root / "venv"], check=True)

    def path(self, name: str) -> Path:
        """Where a path of the image is."""
        return self.root / os.path.normpath(Path(self.folder) / name).lstrip("/")

    def words(self, command: str) -> str:
        """A command with the absolute paths of the image under the stage's folder."""
        return re.sub(r"(?<![\w.:/])/(?=(?:wheels|kb|run)\b)", f"{self.root}/", command)

    @property
    def environment(self) -> Mapping[str, str]:
        """Python of the stage first, and no other packages or settings of ours."""
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PRECORDIA", "VIRTUAL"))
        }
        return {
            **kept,
            "PATH": f"{self.root / 'venv' / 'bin'}:{os.environ['PATH']}",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }

    def run(self, command: str) -> None:
        """Run a line in the folder that WORKDIR names."""
        print(f"$ {command}", flush=True)
        subprocess.run(self.words(command), shell=True, check=True, cwd=self.path("."), env=self.environment)


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Names and words of a container file, lines that go on joined."""
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        if line.strip() and not line.startswith("#"):
            name, _, words = line.partition(" ")
            yield name, words


def main(folder: Path) -> None:
    """Follow the file, then serve.

    Raises:
        CalledProcessError: a step failed.
        SystemExit: the file says what is not known here, or the service is not ready in time.
    """
    stages: dict[str, Stage] = {}
    for name, words in instructions((ROOT / "Containerfile").read_text("utf-8")):
        stage = stages[list(stages)[-1]] if stages else None
        if name == "FROM":
            called = words.partition(" AS ")[2] or "last"
            stages[called] = Stage(folder / called)
        elif stage is None:
            raise SystemExit(f"{name} before FROM")
        elif name == "WORKDIR":
            stage.folder = words
            stage.path(".").mkdir(parents=True, exist_ok=True)
        elif name == "COPY":
            _copy(words, stages, stage)
        elif name == "RUN" and not words.startswith(NEEDS_ROOT):
            stage.run(re.sub(r"--extra-index-url \S+ ", "", words))
        elif name in ("HEALTHCHECK", "ENTRYPOINT"):
            stage.settings[name] = words[words.index("[") :]
        elif name not in ("RUN", "USER", "EXPOSE"):
            raise SystemExit(f"{name}: what it does is not known here")
    _serve(stages["last"])


def _copy(words: str, stages: Mapping[str, Stage], stage: Stage) -> None:
    *names, to = words.split()
    if names[0].startswith("--from="):
        made = stages[names.pop(0).removeprefix("--from=")]
        paths = [made.path(name) for name in names]
    else:
        paths = [ROOT / name for name in names]
    target = stage.path(to)
    for path in paths:
        if path.is_dir():
            shutil.copytree(path, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (target if to.endswith("/") else target.parent).mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)


def _serve(stage: Stage) -> None:
    stage.run("precordia demo --out demo --recordings 60")
    shutil.move(next(stage.path("demo").glob("kb-*")), stage.root / "kb")
    tokens = stage.root / TOKEN_FILE
    tokens.parent.mkdir(parents=True)
    tokens.write_text(f"ward read sha256:{'0' * 64}\n")
    start = [stage.words(word).replace("0.0.0.0", "127.0.0.1") for word in json.loads(stage.settings["ENTRYPOINT"])]
    check = json.loads(stage.settings["HEALTHCHECK"])
    print("$", *start, flush=True)
    started = time.monotonic()
    service = subprocess.Popen(start, env=stage.environment, cwd=stage.root, stderr=subprocess.DEVNULL)
    try:
        while subprocess.run(check, env=stage.environment, stderr=subprocess.DEVNULL, check=False).returncode:
            if service.poll() is not None or time.monotonic() - started > READY_S:
                raise SystemExit("the health check did not pass")
            time.sleep(1)
        print(f"healthy after {time.monotonic() - started:.0f} s")
    finally:
        service.send_signal(signal.SIGTERM)
        service.wait(30)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]).resolve())
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
