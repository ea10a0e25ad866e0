"""The audit: only ever added to, whole or known not to be, and silent about who patients are."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from deltalake import DeltaTable

from precordia.indexing import audit as module
from precordia.indexing.audit import AUDIT, PENDING, Audit, Event


def event(i: int, patient: str = "P1") -> Event:
    return Event("ward", "search", "read", 200, "sinus rhythm", "", (i,), (patient,))


def numbers(audit: Audit) -> list[int]:
    return [row.number for row in audit.rows()]


def test_what_was_recorded_comes_back_in_order(tmp_path: Path) -> None:
    audit = Audit(tmp_path)
    audit.record([event(1), event(2)])
    audit.record([event(3)])
    assert [row.cases for row in audit.rows()] == [(1,), (2,), (3,)]
    assert numbers(audit) == [1, 2, 3]
    chain = audit.verify()
    assert chain.whole
    assert chain.n == 3


def test_rows_move_into_the_table_and_stay_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FOLD_ROWS", 4)
    audit = Audit(tmp_path)
    for i in range(11):
        audit.record([event(i)])
    assert numbers(audit) == list(range(1, 12))
    assert audit.verify().whole
    assert len((tmp_path / AUDIT / PENDING).read_bytes().splitlines()) == 3
    assert DeltaTable(tmp_path / AUDIT).to_pyarrow_table().num_rows == 8


def test_several_processes_add_to_one_chain(tmp_path: Path) -> None:
    audits = [Audit(tmp_path) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: audits[i % 4].record([event(i)]), range(40)))
    assert numbers(audits[0]) == list(range(1, 41))
    assert audits[0].verify().whole


def changed(lines: list[bytes]) -> list[bytes]:
    return [lines[0].replace(b'"ward"', b'"nobody"'), *lines[1:]]


def taken_out(lines: list[bytes]) -> list[bytes]:
    return [lines[0], *lines[2:]]


def put_in(lines: list[bytes]) -> list[bytes]:
    return [lines[0], lines[0], *lines[1:]]


def swapped(lines: list[bytes]) -> list[bytes]:
    return [lines[1], lines[0], *lines[2:]]


def first_gone(lines: list[bytes]) -> list[bytes]:
    return lines[1:]


def no_row(lines: list[bytes]) -> list[bytes]:
    return [lines[0], b"{}\n", *lines[1:]]


@pytest.mark.parametrize("tamper", [changed, taken_out, put_in, swapped, first_gone, no_row])
def test_tampering_is_seen(tmp_path: Path, tamper: Callable[[list[bytes]], list[bytes]]) -> None:
    audit = Audit(tmp_path)
    audit.record([event(i) for i in range(4)])
    file = tmp_path / AUDIT / PENDING
    file.write_bytes(b"".join(tamper(file.read_bytes().splitlines(keepends=True))))
    chain = Audit(tmp_path).verify()
    assert not chain.whole
    assert chain.problem


def test_a_cut_end_is_seen_by_a_hash_noted_elsewhere(tmp_path: Path) -> None:
    audit = Audit(tmp_path)
    audit.record([event(1), event(2)])
    noted = audit.verify().head
    file = tmp_path / AUDIT / PENDING
    file.write_bytes(file.read_bytes().splitlines(keepends=True)[0])
    assert Audit(tmp_path).verify().whole
    assert not Audit(tmp_path).verify(noted).whole


def test_a_damaged_table_is_no_whole_chain(tmp_path: Path) -> None:
    audit = Audit(tmp_path)
    audit.record([event(1), event(2)])
    audit.fold()
    (file,) = (tmp_path / AUDIT).glob("*.parquet")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert not Audit(tmp_path).verify().whole


def test_a_line_cut_short_by_a_crash_was_never_answered(tmp_path: Path) -> None:
    audit = Audit(tmp_path)
    audit.record([event(1), event(2)])
    file = tmp_path / AUDIT / PENDING
    file.write_bytes(file.read_bytes()[:-20])
    again = Audit(tmp_path)
    again.record([event(3)])
    assert [row.cases for row in again.rows()] == [(1,), (3,)]
    assert again.verify().whole


def test_a_crash_between_table_and_file_doubles_nothing(tmp_path: Path) -> None:
    audit = Audit(tmp_path)
    audit.record([event(1), event(2)])
    file = tmp_path / AUDIT / PENDING
    pending = file.read_bytes()
    audit.fold()
    file.write_bytes(pending)
    again = Audit(tmp_path)
    assert numbers(again) == [1, 2]
    again.record([event(3)])
    again.fold()
    assert numbers(again) == [1, 2, 3]
    assert again.verify().whole


def test_patients_are_found_by_who_knows_their_key_and_by_nobody_else(tmp_path: Path) -> None:
    audit = Audit(tmp_path)
    audit.record([event(1, "Erika Zyxwvut"), event(2, "P2")])
    audit.fold()
    audit.record([event(3, "Erika Zyxwvut")])
    assert [row.cases for row in audit.select(patient="Erika Zyxwvut")] == [(3,), (1,)]
    assert [row.number for row in audit.select(case=2)] == [2]
    assert all(b"Zyxwvut" not in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    other = Audit(tmp_path / "other")
    (tmp_path / "other").mkdir()
    other.record([event(1, "Erika Zyxwvut")])
    assert next(iter(other.rows())).patients != next(iter(audit.rows())).patients


def test_a_row_is_plain_json_with_ids_as_texts(tmp_path: Path) -> None:
    audit = Audit(tmp_path)
    audit.record([event(2**62)])
    document = json.loads(json.dumps(next(iter(audit.rows())).document()))
    assert document["cases"] == [str(2**62)]
