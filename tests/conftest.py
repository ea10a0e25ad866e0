"""Fixtures shared by every test: the real data, a home of its own, and no network."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# The same examples at every run: a test that fails, fails again.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

DATA = Path(os.environ.get("PRECORDIA_DATA") or Path(__file__).parents[2] / "shared" / "data")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real ECGs, read-only; skips where it is not there."""
    if not (DATA / "manifest.csv").is_file():
        pytest.skip("needs the real ECGs: set PRECORDIA_DATA to the folder that holds manifest.csv")
    return DATA


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
