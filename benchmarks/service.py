"""The service under load: signal queries a second at 16 clients, while a report is being written, and its memory.

    python -m benchmarks.service [--cases 2000] [--clients 16] [--requests 1000] [--workers N] [--kb DIR] [--format dicom]
    python -m benchmarks.service --memory 10000

The service runs as ``precordia serve`` does, with its audit; clients are threads of another process on the same machine and
cost some of its time. Run it on an otherwise idle machine; where it is not idle, the processor's time a query tells more.
``--memory`` asks so many questions, every tenth for a report, and prints the memory twenty times on the way.
"""

from __future__ import annotations

import argparse
import http.client
import multiprocessing
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

import numpy as np
import psutil

from benchmarks.machine import description, table

READY_S = 300.0


@contextmanager
def serving(kb: Path, workers: int | None) -> Iterator[tuple[int, psutil.Process]]:
    """``precordia serve`` on a free port, ready; the port and the process."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "precordia.cli.main", "serve", "--kb", str(kb), "--port", str(port)]
    command += ["--rate", "100000", *([] if workers is None else ["--workers", str(workers)])]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        started = time.monotonic()
        while _status(port, "/v1/ready") != 200:
            if process.poll() is not None or time.monotonic() - started > READY_S:
                raise SystemExit("the service did not start")
            time.sleep(0.2)
        print(f"ready after {time.monotonic() - started:.1f} s")
        yield port, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(30)


def load(
    port: int, bodies: Sequence[bytes], n: int, clients: int, path: str = "/v1/search?filename=ecg&k=10"
) -> list[float]:
    """Seconds that each of ``n`` questions took, asked by so many clients at a time; signal queries by default."""
    seconds: list[float] = []
    todo = iter(range(n))
    lock = threading.Lock()

    def ask() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        while True:
            with lock:
                i = next(todo, None)
            if i is None:
                connection.close()
                return
            began = time.perf_counter()
            connection.request("POST", path, bodies[i % len(bodies)])
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise SystemExit(f"status {answer.status}")
            seconds.append(time.perf_counter() - began)

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seconds


def write_reports(port: int, bodies: Sequence[bytes], done: multiprocessing.synchronize.Event, n: object) -> None:
    """Ask for one report after the other until told to stop."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    for body in cycle(bodies):
        if done.is_set():
            break
        connection.request("POST", "/v1/report?filename=ecg", body)
        connection.getresponse().read()
        with n.get_lock():  # type: ignore[attr-defined]
            n.value += 1  # type: ignore[attr-defined]


def cpu_s(service: psutil.Process) -> float:
    """Processor time that the service and its processes have used, s."""
    times = [process.cpu_times() for process in (service, *service.children(recursive=True))]
    return float(sum(t.user + t.system for t in times))


def memory_mib(service: psutil.Process) -> float:
    """Memory of the service and its processes that nobody else shares, MiB."""
    total = 0
    for process in (service, *service.children(recursive=True)):
        total += process.memory_full_info().uss
    return total / 2**20


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.service")
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--memory", type=int, metavar="N", help="instead: memory over so many requests")
    parser.add_argument("--workers", type=int)
    parser.add_argument("--format", default="dicom", help="of the ECGs that are sent: dicom, aecg or muse")
    parser.add_argument("--kb", type=Path, help="a knowledge base that is there, instead of a grown one")
    args = parser.parse_args()
    print(description(), end="\n\n")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        kb = args.kb or _grown(folder / "kb", args.cases)
        bodies = _ecgs(folder, args.format)
        rows = [("what", "goal", "measured")]
        with serving(kb, args.workers) as (port, service):
            if args.memory:
                _watch_memory(port, service, bodies, args.memory, args.clients)
                return
            load(port, bodies, 2 * args.clients, args.clients)
            first = memory_mib(service)
            for reports in (False, True):
                spent = cpu_s(service)
                seconds, wall, n_reports = _measured(port, bodies, args.requests, args.clients, reports)
                beside = ", reports being written" if reports else ""
                if not reports:
                    each = 1000 * (cpu_s(service) - spent) / len(seconds)
                    rows.append(("processor time a query, ms", "", f"{each:.1f}"))
                p50, p99 = np.percentile(seconds, [50, 99])
                rows += [
                    (f"signal queries a second, {args.clients} clients{beside}", ">= 35", f"{len(seconds) / wall:.1f}"),
                    (f"  p50, p99, s{beside}", "p99 <= 1", f"{p50:.3f}, {p99:.3f}"),
                ]
                if reports:
                    rows.append(("reports written meanwhile", "", str(n_reports)))
            after = memory_mib(service)
        rows.append((f"memory, MiB, first and after {2 * args.requests} requests", "", f"{first:.0f}, {after:.0f}"))
        print(table(rows))


def _watch_memory(port: int, service: psutil.Process, bodies: Sequence[bytes], n: int, clients: int) -> None:
    """Print the memory of the service's processes as it goes."""
    step = max(n // 20, 1)
    print("| requests | memory, MiB |\n|---|---|")
    for done in range(step, n + 1, step):
        load(port, bodies, step - step // 10, clients)
        load(port, bodies, step // 10, 1, "/v1/report?filename=ecg")
        print(f"| {done} | {memory_mib(service):.0f} |", flush=True)


def _measured(
    port: int, bodies: Sequence[bytes], n: int, clients: int, reports: bool
) -> tuple[list[float], float, int]:
    spawn = multiprocessing.get_context("spawn")
    done, count = spawn.Event(), spawn.Value("i", 0)
    writer = spawn.Process(target=write_reports, args=(port, bodies[:4], done, count)) if reports else None
    if writer is not None:
        writer.start()
        while count.value == 0:
            time.sleep(0.1)
    before = count.value
    began = time.perf_counter()
    seconds = load(port, bodies, n, clients)
    wall = time.perf_counter() - began
    written = count.value - before
    if writer is not None:
        done.set()
        writer.join()
    return seconds, wall, written


def _grown(path: Path, n: int) -> Path:
    from benchmarks.million import grow
    from precordia import KnowledgeBase
    from precordia.simulation.hospital import write_archive

    archive = write_archive(path.with_name("archive"), 600, seed=1)
    KnowledgeBase.create(path).add(archive.folder, reports=archive.reports)
    grow(path, n)
    return path


def _ecgs(folder: Path, form: str, n: int = 200) -> list[bytes]:
    from precordia.simulation import simulate
    from precordia.simulation.writers import WRITERS

    write = WRITERS.get(form)
    return [write(folder / f"unseen{i}", simulate("SR", seed=10_000 + i).recording).read_bytes() for i in range(n)]


def _status(port: int, path: str) -> int:
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return 0


if __name__ == "__main__":
    main()
