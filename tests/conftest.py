"""Fixtures shared by every test: the real data, a home of its own, and no network."""

from __future__ import annotations

import csv
import gc
import importlib.util
import os
import shutil
import socket
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

# The same examples at every run: a test that fails, fails again.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


TOGETHER = ("tests/serve/browser/",)
"""Folders whose files share what is dear to start."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long come first, so that no process waits for the last of another."""
    long = {item.path for item in items if item.get_closest_marker("slow") or item.nodeid.startswith(TOGETHER)}
    items.sort(key=lambda item: item.path not in long)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected stays to the end: it is looked through for garbage neither now nor with what tests leave."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Where processes share the work, a file's tests stay in one of them, which makes its fixtures once."""
    from xdist.scheduler import LoadFileScheduling

    class Whole(LoadFileScheduling):  # xdist's own groups are lost on pytest 9: it cannot rename a test any more
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return next((folder for folder in TOGETHER if file.startswith(folder)), file)

    return Whole(config, log)


DATA = Path(os.environ.get("PRECORDIA_DATA") or Path(__file__).parents[2] / "shared" / "data")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real ECGs, read-only; skips where it is not there."""
    if not (DATA / "manifest.csv").is_file():
        pytest.skip("needs the real ECGs: set PRECORDIA_DATA to the folder that holds manifest.csv")
    return DATA


@pytest.fixture
def register() -> Iterator[Callable[..., None]]:
    """Adds an entry to a registry for as long as a test runs: ``register(READERS, "ours", OURS)``."""
    with ExitStack() as stack:
        yield lambda registry, name, entry: stack.enter_context(registry.with_entry(name, entry))


@pytest.fixture(scope="session")
def text_extra() -> None:
    """Skips where the extra ``text`` is not installed. It is not imported: to compute the shipped model takes none of it."""
    if importlib.util.find_spec("sentence_transformers") is None:
        pytest.skip("needs the extra text")


PartOfPtbxl = Callable[..., Path]


@pytest.fixture(scope="session")
def part_of_ptbxl(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> PartOfPtbxl:
    """Makes a folder of real ECGs with a part of PTB-XL: of each fold so many records at 100 Hz, the first that are there.

    What else it is to hold is named.
    """
    whole = data_dir / "ptbxl"

    @cache
    def made(wanted: tuple[tuple[int, int], ...], beside: tuple[str, ...]) -> Path:
        folder, left = tmp_path_factory.mktemp("part"), dict(wanted)
        for name in beside:
            (folder / name).symlink_to(data_dir / name)
        (folder / "ptbxl").mkdir()
        (folder / "ptbxl" / "scp_statements.csv").symlink_to(whole / "scp_statements.csv")
        table = "ptbxl_database.csv"
        with (
            (whole / table).open(newline="", encoding="utf-8") as file,
            (folder / "ptbxl" / table).open("w", newline="", encoding="utf-8") as part,
        ):
            rows = csv.DictReader(file)
            writer = csv.DictWriter(part, rows.fieldnames or [])
            writer.writeheader()
            for row in rows:
                fold = int(row["strat_fold"])
                if left.get(fold) and (whole / f"{row['filename_lr']}.hea").is_file():
                    left[fold] -= 1
                    writer.writerow(row)
                    for name in (f"{row['filename_lr']}.hea", f"{row['filename_lr']}.dat"):
                        (folder / "ptbxl" / name).parent.mkdir(parents=True, exist_ok=True)
                        shutil.copyfile(whole / name, folder / "ptbxl" / name)
        return folder

    return lambda wanted, *beside: made(tuple(sorted(wanted.items())), beside)


@pytest.fixture
def few_ecgs(part_of_ptbxl: PartOfPtbxl, monkeypatch: pytest.MonkeyPatch) -> Path:
    """112 ECGs of folds 1-8, here enough for models of findings, 40 of fold 9 to ask about, LUDB and ECG-QA."""
    for place in ("precordia.judgement.learning", "precordia.fitting.answers.archive"):
        monkeypatch.setattr(f"{place}.FEWEST_CASES", 80)
    return part_of_ptbxl({**dict.fromkeys(range(1, 9), 14), 9: 40}, "ludb", "ecgqa")


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("TRANSFORMERS_OFFLINE", "1")
    monkeypatch.delenv("PRECORDIA_KB", raising=False)
    for name in [name for name in os.environ if name.startswith(("AWS_", "GOOGLE_", "AZURE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("PRECORDIA_DATA", str(DATA))  # the package itself guesses no folder


@pytest.fixture(autouse=True, scope="session")
def _spared() -> Iterator[None]:
    """What no test is about: processes beside the tests' own, which fill the cores, and what outlives a loss of power.

    Who does not say how many processes a build may start has it done in this one. A file that is to be synced has to be
    open, and no disk is waited for: a small build syncs sixty times, which takes longer than all else that it does.
    """
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("precordia.engine.local.available_cores", lambda: 1)
        patched.setattr(os, "fsync", os.fstat)
        yield


_LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0")


def _is_here(address: Any) -> bool:
    """Whether an address is this machine's own, or no address of the internet at all (a socket in a file)."""
    return not isinstance(address, tuple) or str(address[0]).startswith(_LOOPBACK) or address[0] in ("", "::")


def _only_here(real: Callable[..., Any]) -> Callable[..., Any]:
    def call(self: socket.socket, address: Any, *rest: Any) -> Any:
        if not _is_here(address):
            raise AssertionError(f"a test reached for the network: {address!r}")
        return real(self, address, *rest)

    return call


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of a test goes further than this machine."""
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, *rest: Any, **named: Any) -> Any:
        if host not in (None, "", b"") and not _is_here((host if isinstance(host, str) else host.decode(), 0)):
            raise AssertionError(f"a test looked up a name: {host!r}")
        return real(host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, _only_here(getattr(socket.socket, name)))


@pytest.fixture
def paired_space(tmp_path: Path) -> Callable[[str, int], Path]:
    """Makes the folder that ``train pairs`` would write for an encoder, of one number called "ef", its heads drawn by chance."""

    def made(encoder_fingerprint: str, dim: int) -> Path:
        from precordia.signals.paired.space import PairedSpace, save_space

        heads = np.random.default_rng(1).standard_normal((4, dim)).astype(np.float32)
        usual = [np.zeros(1, np.float32), np.ones(1, np.float32)]
        layers = [np.ones((3, 1), np.float32), np.zeros(3, np.float32), np.ones((4, 3), np.float32)]
        space = PairedSpace(("ef",), encoder_fingerprint, np.zeros(dim, np.float32), heads, *usual, *layers)
        save_space(space, tmp_path / "pairs")
        return tmp_path / "pairs"

    return made
