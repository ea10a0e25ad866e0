"""A served knowledge base and a browser before it."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from precordia import KnowledgeBase
from precordia.serve.app import create_app

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@contextmanager
def served(app: object) -> Iterator[str]:
    """An application on a free port of this machine, in this process."""
    import uvicorn

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", lifespan="on"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the service did not start"
        time.sleep(0.05)
    yield f"http://localhost:{port}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="session")
def address(kb: KnowledgeBase) -> Iterator[str]:
    """Where the page is served, in this process."""
    with served(create_app(kb, rate=1e6)) as place:
        yield place


# Opened for each module: while playwright is open its event loop runs in this thread, and no test of another could run one.
@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    if CHROMIUM is None:
        pytest.skip("needs a browser: apt-get install chromium")
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with playwright.sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=CHROMIUM, args=sandbox)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser, address: str) -> Iterator[Callable[..., object]]:
    """Opens the page at a view; afterwards, nothing had gone wrong in it and nothing had been asked of another host."""
    contexts, wrong, asked, ours = [], [], [], set()

    def opened(
        view: str = "",
        *,
        width: int = 1366,
        height: int = 768,
        locale: str = "en-GB",
        theme: str = "light",
        touch: bool = False,
        at: str = address,
    ):
        context = browser.new_context(
            viewport={"width": width, "height": height},
            locale=locale,
            color_scheme=theme,
            accept_downloads=True,
            has_touch=touch,
        )
        context.set_default_timeout(45_000)  # a report takes a second, and ten on a busy machine
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda told: wrong.append(told.text) if "Content Security Policy" in told.text else None)
        page.on("request", lambda request: asked.append(request.url))
        ours.add(urlsplit(at).netloc)
        page.goto(f"{at}/{view}")
        return page

    yield opened
    for context in contexts:
        context.close()
    hosts = {urlsplit(url).netloc for url in asked if urlsplit(url).scheme not in ("data", "blob")}
    assert hosts <= ours
    assert wrong == []


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where screenshots go: ``$PRECORDIA_PICTURES``, for who wants to look at them."""
    place = Path(os.environ.get("PRECORDIA_PICTURES") or tmp_path)
    place.mkdir(parents=True, exist_ok=True)
    return place


@pytest.fixture(scope="session")
def case_id(kb: KnowledgeBase) -> str:
    """A case whose patient has others."""
    ids = [int(i) for i in kb.store.ids]
    return next(str(i) for i in ids if len(kb.store.ids_of_patient(kb.cases([i])[0].patient_key)) > 1)
