"""Work in processes: the same answers, one that dies is replaced, and a slow model keeps nobody waiting."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from precordia import KnowledgeBase
from precordia.cli.main import main
from precordia.serve import desk as module
from precordia.serve.answers import Answer, Shown
from precordia.serve.desk import OneRoom, Processes
from precordia.serve.security.tokens import read_tokens
from precordia.serve.work import archive, finding
from precordia.serve.work.room import Ecg, Room


def stumble(room: Room) -> Answer:
    """A mistake of ours."""
    raise ValueError("Zyxwvut")


def who(room: Room) -> Answer:
    """The process that works."""
    time.sleep(0.2)
    return Shown().json({"pid": os.getpid()})


def think_aloud(room: Room, n: int) -> Answer:
    """Tells piece after piece before it is done."""
    for i in range(n):
        room.tell(Shown().json({"piece": i}))
        time.sleep(0.05)
    return Shown().json({"done": n})


def think_and_die(room: Room) -> Answer:
    """Tells one piece, and goes as by a kernel that is short of memory."""
    room.tell(Shown().json({"piece": 0}))
    time.sleep(0.2)
    os._exit(9)


@pytest.fixture(scope="module")
def processes(kb: KnowledgeBase) -> Iterator[Processes]:
    desk = Processes(kb.path, "none", 2)
    yield desk
    desk.close()


def test_processes_answer_what_one_room_answers(kb: KnowledgeBase, processes: Processes) -> None:
    sought = finding.Sought(Ecg(), "sinus rhythm", 5)

    async def both() -> tuple[Answer, Answer]:
        return await OneRoom(Room(kb)).do(finding.search, sought), await processes.do(finding.search, sought)

    here, there = asyncio.run(both())
    assert here == there
    assert here.status == 200


def test_work_is_done_side_by_side_by_processes_that_are_ready(processes: Processes) -> None:
    async def several() -> list[Answer]:
        await processes.warm()
        return list(await asyncio.gather(*(processes.do(who) for _ in range(8))))

    answers = asyncio.run(several())
    assert processes.ready
    assert {answer.status for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 2


def test_a_mistake_of_ours_comes_back_without_what_was_asked(processes: Processes) -> None:
    answer = asyncio.run(processes.do(stumble))
    assert answer.status == 500
    assert b"ValueError" in answer.content
    assert b"Zyxwvut" not in answer.content


def test_who_comes_when_too_many_wait_is_told_so(processes: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 2)

    async def several() -> list[int]:
        return [answer.status for answer in await asyncio.gather(*(processes.do(who) for _ in range(4)))]

    assert sorted(asyncio.run(several())) == [200, 200, 503, 503]


@pytest.mark.parametrize("where", ["here", "elsewhere"])
def test_what_is_told_on_the_way_comes_before_the_answer_and_in_order(
    kb: KnowledgeBase, processes: Processes, where: str
) -> None:
    desk = OneRoom(Room(kb)) if where == "here" else processes

    async def listen() -> tuple[list[list[bytes]], list[float]]:
        told: list[list[bytes]] = [[], []]
        times: list[float] = []

        def note(piece: Answer) -> None:
            told[0].append(piece.content)
            times.append(time.monotonic())

        began = time.monotonic()
        done = await asyncio.gather(
            desk.do(think_aloud, 20, told=note),
            desk.do(think_aloud, 5, told=lambda piece: told[1].append(piece.content)),
            desk.do(archive.health),
        )
        assert [answer.status for answer in done] == [200, 200, 200]
        return told, [t - began for t in times]

    told, times = asyncio.run(listen())
    assert told == [[b'{"piece":%d}' % i for i in range(n)] for n in (20, 5)]
    # They come one by one, not together at the end.
    assert times[-1] - times[0] > 0.5


def test_a_process_that_dies_is_replaced_and_what_it_told_is_kept(processes: Processes) -> None:
    told: list[Answer] = []
    answer = asyncio.run(processes.do(think_and_die, told=told.append))
    assert answer.status == 503
    assert [piece.content for piece in told] == [b'{"piece":0}']
    assert asyncio.run(processes.do(think_aloud, 2, told=told.append)).status == 200
    assert len(told) == 3


# --- the command ----------------------------------------------------------------------------------------------------


def test_the_command_makes_a_token_and_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--new-token", "ward.7:write"]) == 0
    token, line = capsys.readouterr().out.split("\n")[:2]
    (made,) = read_tokens([line], "x")
    assert (made.person.name, made.person.role) == ("ward.7", "write")
    assert token not in line


@pytest.mark.parametrize(
    "arguments",
    [
        ["--host", "0.0.0.0"],
        ["--new-token", "ward:king"],
        ["--new-token", "nobody"],
        ["--tls-cert", "x.pem"],
        ["--tls-cert", "x.pem", "--tls-key", "y.pem"],
        ["--workers", "0"],
        ["--tokens", "no-such-file"],
    ],
)
def test_what_cannot_be_served_so_is_said_in_one_line(
    kb: KnowledgeBase, arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PRECORDIA_TOKEN", "PRECORDIA_TOKENS"):
        monkeypatch.delenv(name, raising=False)
    assert main(["serve", "--kb", str(kb.path), *arguments]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def status(port: int, path: str, host: str = "localhost") -> int:
    asked = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Host": host})
    try:
        return int(urllib.request.urlopen(asked, timeout=20).status)
    except urllib.error.HTTPError as error:
        return int(error.code)
    except OSError:
        return 0


def test_the_command_serves_and_leaves_no_process_behind(kb: KnowledgeBase, tmp_path: Path) -> None:
    psutil = pytest.importorskip("psutil")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "precordia.cli.main",
        "serve",
        "--kb",
        str(kb.path),
        "--port",
        str(port),
        "--workers",
        "1",
    ]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, stderr=log, stdout=log)
    try:
        until = time.monotonic() + 120
        while status(port, "/v1/ready") != 200 and time.monotonic() < until:
            assert process.poll() is None
            time.sleep(0.2)
        assert status(port, "/v1/cases") == 200
        assert status(port, "/v1/cases", host="evil.example") == 421
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
    finally:
        process.kill()  # not even asked to end
        process.wait(20)
    _, left = psutil.wait_procs(children, timeout=20)
    assert left == []
    assert "Traceback" not in (tmp_path / "log").read_text()
