"""A model's reply taken apart: JSON, prose, bullets, marks, and nonsense."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from precordia.core.findings import Measurements
from precordia.generation.written.sentences import MAX_STATEMENTS, parse_reply, split
from precordia.generation.written.stated import stated_numbers


def texts(reply: str) -> list[str]:
    return [claim.text for claim in parse_reply(reply).claims]


def test_json_within_prose_or_a_code_block_is_found() -> None:
    reply = 'Sure:\n```json\n{"statements": [{"text": "SR.", "precedents": [2], "measurements": ["pr_ms"]}], "abstain": false}\n```'
    claim = parse_reply(reply).claims[0]
    assert (claim.text, claim.precedents, claim.measurements) == ("SR.", (2,), ("pr_ms",))


def test_an_entry_with_two_sentences_gives_two_statements() -> None:
    assert texts('{"statements": ["Sinus rhythm. Normal ECG."]}') == ["Sinus rhythm.", "Normal ECG."]


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("- Sinus rhythm\n- Normal ECG", ["Sinus rhythm.", "Normal ECG."]),
        ("1. Sinus rhythm\n2) Normal ECG", ["Sinus rhythm.", "Normal ECG."]),
        ("**Sinus rhythm.** Normal ECG.", ["Sinus rhythm.", "Normal ECG."]),
        ("ST elevation, e.g. in V2, of 0.2 mV. Normal axis.", ["ST elevation, e.g. in V2, of 0.2 mV.", "Normal axis."]),
        ("Sinus rhythm (precedents 1, 2).", ["Sinus rhythm."]),
    ],
)
def test_prose_is_cut_into_sentences(reply: str, said: list[str]) -> None:
    assert texts(reply) == said


def test_marks_become_citations() -> None:
    assert parse_reply("Sinus rhythm [1, 3] [case 4].").claims[0].precedents == (1, 3, 4)


@pytest.mark.parametrize("reply", ["Not sure.", "I cannot tell.", '{"statements": [], "abstain": true}'])
def test_doubt_is_an_abstention(reply: str) -> None:
    assert parse_reply(reply).abstained


def test_an_endless_reply_is_cut() -> None:
    assert len(texts("Sinus rhythm. " * 5000)) == MAX_STATEMENTS
    assert len(parse_reply('{"a":' * 100_000).claims) <= 1


@given(st.text(max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    assert all(piece.strip() for piece in split(text))
    parse_reply(text)


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("QRS duration of 142 ms", "qrs_ms", 142),
        ("The PR interval is prolonged at 240 ms", "pr_ms", 240),
        ("QT/QTc 380/410 ms", "qtc_ms", 410),
        ("QT/QTc 380/410 ms", "qt_ms", 380),
        ("rate of 72 bpm", "heart_rate_bpm", 72),
        ("at 72/min", "heart_rate_bpm", 72),
        ("QRS axis -35°", "axis_deg", -35),
        ("QTc (Bazett) 431 ms", "qtc_ms", 431),
    ],
)
def test_numbers_are_read_with_their_measurement(text: str, name: str, value: float) -> None:
    assert {n.name: n.value for n in stated_numbers(text, Measurements())}[name] == value


def test_numbers_that_are_no_measurement_are_not_taken_for_one() -> None:
    assert stated_numbers("ST elevation in V2-V3 of 0.2 mV, 2:1 block", Measurements()) == []


def test_an_axis_is_compared_around_the_circle() -> None:
    assert stated_numbers("axis 178 degrees", Measurements(axis_deg=-178.0))[0].agrees
