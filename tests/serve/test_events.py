"""A long recording asks the archive by its events: the service and the command line give the same answer."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from precordia import KnowledgeBase
from precordia.cli.main import main
from precordia.core.recording import Recording
from precordia.simulation import simulate
from precordia.simulation.writers import WRITERS

AF_S = (60.0, 130.0)
"""From when to when the atria fibrillate."""


def _two_leads(condition: str, duration_s: float) -> Recording:
    made = simulate(condition, seed=2, fs=250, duration_s=duration_s).recording
    return replace(made, signal=made.signal[[1, 6]], leads=("II", "V1"))


@pytest.fixture(scope="module")
def holter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sinus, fibrillation = _two_leads("SR", AF_S[0]), _two_leads("AFIB", AF_S[1] - AF_S[0])
    whole = replace(sinus, signal=np.concatenate([sinus.signal, fibrillation.signal, sinus.signal], axis=1))
    path: Path = WRITERS.get("aecg")(tmp_path_factory.mktemp("holter") / "holter", whole)
    return path


def sent(client: TestClient, file: Path, **asked: str | int) -> tuple[int, dict[str, Any]]:
    told = client.post("/v1/search/events", params={"filename": file.name, **asked}, content=file.read_bytes())
    return told.status_code, told.json()


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = main(["search", *words, "--json"])
    out = capsys.readouterr().out
    return code, json.loads(out) if out else {}


def without_sources(told: object) -> object:
    """A document without where files lie, which the service tells nobody."""
    if isinstance(told, dict):
        return {key: without_sources(value) for key, value in told.items() if key not in ("source", "recording")}
    return [without_sources(one) for one in told] if isinstance(told, list) else told


def test_events_are_asked_about_as_on_the_command_line(
    client: TestClient, kb: KnowledgeBase, holter: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, told = sent(client, holter, event="AF", k=3)
    assert status == 200, told
    (event,) = told["events"]
    assert event["start_s"] < AF_S[1]
    assert event["end_s"] > AF_S[0]
    assert [hit["rank"] for hit in event["hits"]] == [1, 2, 3]
    assert str(kb.path) not in json.dumps(told)
    code, shown = printed(capsys, str(holter), "--event", "AF", "-k", "3", "--kb", str(kb.path))
    assert code == 0
    assert without_sources(told) == without_sources(shown)
    assert sent(client, holter, k=3)[1]["events"][0]["kind"] == event["kind"]


def test_a_place_is_looked_for_in_the_recording(
    client: TestClient, kb: KnowledgeBase, holter: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, told = sent(client, holter, event="1:10-1:20", k=4)
    assert status == 200, told
    windows = told["windows"]
    assert [one["rank"] for one in windows] == [1, 2, 3, 4]
    assert all(AF_S[0] - 10 < one["start_s"] < one["end_s"] < AF_S[1] + 10 for one in windows)
    _, shown = printed(capsys, str(holter), "--event", "1:10-1:20", "-k", "4", "--kb", str(kb.path))
    assert without_sources(told) == without_sources(shown)


@pytest.mark.parametrize(
    ("event", "said"), [("AFL2", "AFL2"), ("170-500", "no place"), ("1.2.3-5", "h:mm:ss"), ("20-10", "no place")]
)
def test_what_cannot_be_asked_is_refused(
    client: TestClient, kb: KnowledgeBase, holter: Path, capsys: pytest.CaptureFixture[str], event: str, said: str
) -> None:
    status, told = sent(client, holter, event=event)
    assert status == 400
    assert said in str(told["error"])
    assert printed(capsys, str(holter), "--event", event, "--kb", str(kb.path))[0] == 2


def test_a_short_ecg_has_no_events(client: TestClient, case_id: str) -> None:
    told = client.post("/v1/search/events", params={"case": case_id})
    assert told.status_code == 400
    assert "two minutes" in told.json()["error"]
