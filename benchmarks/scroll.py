"""A million cases scrolled through in a browser: how long a page of the list takes, how smoothly one scrolls, and what it holds.

    python -m benchmarks.scroll [--cases 1000000] [--kb DIR] [--steps 400]

The knowledge base is grown from 48 phantoms, each case with five seconds of lead II; with ``--kb`` it is made there, or taken
from there where it is. The service runs in a process of its own, chromium beside it, both on this machine: where that is not
idle, frames wait for the processor. A wheel's step is 400 pixels, ten a second and more.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import os
import shutil
import socket
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import psutil

from benchmarks.machine import description, table

READY_S = 900.0
PLACES = (0, 1_000, 100_000, 500_000, 999_000)

FRAMES = """() => {
  window.frames_ = [];
  let before = performance.now();
  const tick = now => { frames_.push(now - before); before = now; requestAnimationFrame(tick); };
  requestAnimationFrame(tick);
}"""
"""Keeps the time between frames."""

SHOWN = """place => new Promise(resolve => {
  const began = performance.now(), at = place * (document.documentElement.scrollHeight - innerHeight);
  scrollTo(0, at);
  const look = () => {
    const seen = c => { const r = c.getBoundingClientRect(); return r.bottom > 60 && r.top < innerHeight; };
    const cards = [...document.querySelectorAll('.card')].filter(seen);
    const done = cards.length && cards.every(c => !c.classList.contains('blank') && c.querySelector('canvas[data-drawn]'));
    if (!done) requestAnimationFrame(look); else resolve([performance.now() - began, Number(cards[0].ariaPosInSet)]);
  };
  requestAnimationFrame(look);
})"""
"""Drags the scroll bar to a part of the whole; ms until all cards that are seen have their ECGs, and the first one's place."""


def serve(kb: Path, port: int) -> None:
    """The service in this process, without what is not scrolled."""
    import uvicorn

    from precordia import KnowledgeBase
    from precordia.serve.app import create_app

    app = create_app(KnowledgeBase.open(kb, text_encoder=None), rate=1e6)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error")


def make(place: Path, n: int) -> Path:
    """A knowledge base of so many cases; where there is one it is taken as it is."""
    from benchmarks.million import grow
    from precordia import KnowledgeBase
    from precordia.simulation.hospital import write_archive

    if (place / "cases").exists():
        return place
    with tempfile.TemporaryDirectory() as folder:
        archive = write_archive(Path(folder) / "archive", 48, seed=1)
        KnowledgeBase.create(place, text_encoder=None).add(archive.folder, reports=archive.reports, workers=1)
    grow(place, n)
    return place


def pages_of(port: int, times: int = 10) -> list[tuple[str, str]]:
    """Milliseconds of a page of twelve at several places of the list."""
    rows = []
    total = ask(port, 0)[1]["total"]
    for place in (p for p in PLACES if p < total):
        taken = [ask(port, place + 12 * i)[0] for i in range(times)]
        rows.append((f"page of 12 at {place:,}, ms, median and longest", f"{np.median(taken):.0f}, {max(taken):.0f}"))
    return rows


def ask(port: int, at: int) -> tuple[float, Any]:
    """Milliseconds and answer of one page."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    began = time.perf_counter()
    connection.request("GET", f"/v1/cases?{urlencode({'at': at, 'limit': 12})}")
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return 1000 * (time.perf_counter() - began), answer


def scroll(port: int, steps: int) -> list[tuple[str, str]]:
    """What a browser says."""
    from playwright.sync_api import sync_playwright

    rows = []
    with sync_playwright() as running:
        browser = running.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.set_default_timeout(120_000)
        began = time.perf_counter()
        page.goto(f"http://localhost:{port}/")
        page.wait_for_selector(".card canvas[data-drawn]")
        first = time.perf_counter() - began
        paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        rows.append(("first paint, ms; first card with its ECG, ms", f"{paint:.0f}; {1000 * first:.0f}"))
        one = page.evaluate(
            """async () => {
              const id = document.querySelector('.card a').hash.split('/')[1], {trace} = await import('/static/paper.js');
              const began = performance.now();
              const signal = await (await fetch(`/v1/cases/${id}/signal?leads=II&seconds=4&fs=100`)).json();
              trace(document.createElement('canvas'), signal);
              return performance.now() - began;
            }"""
        )
        rows.append(("a card's ECG, asked for and drawn, ms", f"{one:.0f}"))
        before = held(page)
        page.evaluate(FRAMES)
        page.mouse.move(800, 500)
        began = time.perf_counter()
        for _ in range(steps):
            page.mouse.wheel(0, 400)
            page.wait_for_timeout(50)
        wall = time.perf_counter() - began
        slow = np.percentile(page.evaluate("frames_")[5:], [50, 99, 100])
        place = int(page.eval_on_selector(".card", "card => card.ariaPosInSet"))
        rows += [
            (f"scrolled by {steps} steps of the wheel in {wall:.0f} s to case", f"{place:,}"),
            ("  time between frames, ms, median, 99 %, longest", ", ".join(f"{v:.0f}" for v in slow)),
            ("  elements in the page, before and after", f"{before[0]}, {held(page)[0]}"),
            ("  memory of scripts, MB, before and after", f"{before[1]:.1f}, {held(page)[1]:.1f}"),
        ]
        for part in (0.25, 0.5, 0.75, 1.0, 0.0):
            taken, at = page.evaluate(SHOWN, part)
            rows.append(
                (f"bar dragged to {part:.0%}: all that is seen drawn after, ms; at case", f"{taken:.0f}; {at:,}")
            )
        rows.append(
            ("  elements in the page, memory of scripts, MB, at the end", f"{held(page)[0]}, {held(page)[1]:.1f}")
        )
        browser.close()
    return rows


def held(page: Any) -> tuple[int, float]:
    """Elements of a page, and MB that its scripts hold after their garbage is gone."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    used = session.send("Runtime.getHeapUsage")["usedSize"]
    session.detach()
    return page.evaluate("document.querySelectorAll('*').length"), used / 1e6


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scroll")
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--kb", type=Path, help="where the knowledge base is, or is made")
    parser.add_argument("--steps", type=int, default=400, help="of the wheel")
    args = parser.parse_args()
    print(description(), end="\n\n")
    with tempfile.TemporaryDirectory() as folder:
        kb = make(args.kb or Path(folder) / "kb", args.cases)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        process = multiprocessing.get_context("spawn").Process(target=serve, args=(kb, port), daemon=True)
        began = time.monotonic()
        process.start()
        while time.monotonic() - began < READY_S:
            try:
                taken, answer = ask(port, 0)
                break
            except OSError:
                time.sleep(0.2)
        rows = [
            ("what", "measured"),
            ("cases", f"{answer['total']:,}"),
            ("first page of the list after the start, s", f"{taken / 1000:.1f}"),
        ]
        rows += pages_of(port)
        rows += scroll(port, args.steps)
        rows.append(("memory of the service, MiB", f"{psutil.Process(process.pid).memory_full_info().uss / 2**20:.0f}"))
        process.terminate()
        process.join(20)
    print(table(rows))


if __name__ == "__main__":
    main()
