from __future__ import annotations

import sys
from typing import cast

import numpy as np
import pyarrow as pa
import pytest

from precordia.indexing import standing
from precordia.indexing.id_order import IdOrder
from precordia.indexing.mapped_rows import RowCache
from precordia.indexing.standing import Standing, TextRows, fingerprints
from precordia.judgement.learning import _chances


class Rows:
    """As much of the rows of a table as a writer asks for: case ``10 * i`` is of ``/archive/i.hea``."""

    def __init__(self, n: int, stretches: int = 0) -> None:
        self.ids = np.arange(n, dtype=np.int64) * 10
        numbers = pa.array(self.ids // 10).cast(pa.string())
        self._columns = {"case_id": pa.array(self.ids), "source_stamp": numbers}
        self._columns["source"] = pa.compute.binary_join_element_wise("/archive/", numbers, ".hea", "")
        # The last ones are stretches of what the first one is as a whole.
        starts = [None] * (n - stretches) + [60.0 * i for i in range(stretches)]
        self._columns["start_s"] = pa.array(starts, pa.float64())
        if stretches:
            sources = self._columns["source"].to_pylist()[: n - stretches] + ["/archive/0.hea"] * stretches
            self._columns["source"] = pa.array(sources)

    def column(self, name: str) -> pa.ChunkedArray:
        column = self._columns[name]
        return pa.chunked_array([column[: len(column) // 3], column[len(column) // 3 :]])


def standing_of(n: int) -> Standing:
    return Standing(cast(RowCache, Rows(n)))


@pytest.mark.parametrize("alike", [False, True])
def test_the_last_row_of_a_text_is_found_whatever_its_fingerprint(alike: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if alike:
        monkeypatch.setattr(standing, "fingerprints", lambda texts: np.zeros(len(texts), np.uint64))
    column = pa.chunked_array([["a", "", "ä/2"], ["a", "longer than the others"]])
    assert TextRows(column).last(["ä/2", "a", "b", "", "longer"]).tolist() == [2, 3, -1, 1, -1]
    assert TextRows(column.slice(0, 0)).last(["a"]).tolist() == [-1]


def test_fingerprints_are_of_the_text_and_not_of_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"/archive/{i % 40}.hea" for i in range(100)]
    whole = fingerprints(pa.array(texts))
    monkeypatch.setattr(standing, "AT_A_TIME", 7)
    assert (fingerprints(pa.array(["x", *texts, "y"]).slice(1, 100)) == whole).all()
    assert np.unique(whole).size == 40


def test_what_stands_and_what_a_writer_has_changed() -> None:
    there = standing_of(9)
    assert there.cases_of(["/archive/3.hea", "/archive/9.hea"]) == [30, None]
    assert there.knows([30, 31]) == [True, False]
    assert there.had(["/archive/3.hea", "/archive/4.hea", "/else"], ["3", "5", "3"]) == [True, False, False]
    there.change(["/archive/3.hea", "/archive/9.hea"], [None, None], [31, 90], gone=[30])
    assert there.cases_of(["/archive/3.hea", "/archive/9.hea", "/archive/4.hea"]) == [31, 90, 40]
    assert there.knows([30, 31, 90, 40]) == [False, True, True, True]
    there.change(["/archive/3.hea"], [None], [30], gone=[31])
    assert there.knows([30, 31]) == [True, False]


def test_stretches_of_a_long_recording_stand_beside_it() -> None:
    there = Standing(cast(RowCache, Rows(9, stretches=3)))
    assert there.cases_of(["/archive/0.hea", "/archive/7.hea"]) == [0, None]
    assert there.had(["/archive/0.hea"], ["0"]) == [True]
    assert there.stretches_of(["/archive/0.hea", "/archive/1.hea"]) == {
        "/archive/0.hea": {0.0: 60, 60.0: 70, 120.0: 80}
    }
    there.change(["/archive/0.hea", "/archive/1.hea"], [60.0, 30.0], [71, 99], gone=[70])
    found = there.stretches_of(["/archive/0.hea", "/archive/1.hea"])
    assert found == {"/archive/0.hea": {0.0: 60, 60.0: 71, 120.0: 80}, "/archive/1.hea": {30.0: 99}}


def test_ids_are_found_in_their_order_as_they_come() -> None:
    order = IdOrder(np.array([50, -1, 10, 30]))
    order.extend(np.array([40, 20]), 4)
    assert order.rows(np.array([10, 20, 30, 40, 50])).tolist() == [2, 5, 3, 4, 0]
    assert order.has(np.array([-1, 10, 11])).tolist() == [False, True, False]
    with pytest.raises(KeyError, match="11"):
        order.rows(np.array([10, 11]))


def test_nothing_of_python_is_kept_or_made_for_each_case() -> None:
    def made(n: int) -> int:
        rows = Rows(n)
        findings = pa.chunked_array([pa.array([["SR"], None, ["SR", "AFIB"]] * (n // 3))])
        before = sys.getallocatedblocks()
        there = Standing(cast(RowCache, rows))
        there.cases_of(["/archive/3.hea"])
        kept = there, _chances(findings, 100), IdOrder(rows.ids)
        return sys.getallocatedblocks() - before - len(kept)

    made(30)  # what is imported and remembered once
    assert made(60_000) - made(300) < 300
