"""The main job on real ECGs: from PTB-XL files and their table to precedents that never are the query's own patient's."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from precordia import KnowledgeBase, Query, Recording, read_recording

pytestmark = pytest.mark.data
N_RECORDS = 60

QUERIES: dict[str, Callable[[Recording], Recording]] = {
    "as it is": lambda r: r,
    "without its patient": lambda r: replace(r, patient_id=None),
    "a 5 s crop": lambda r: replace(r, patient_id=None, signal=r.signal[:, 200:700]),
    "at half gain": lambda r: replace(r, patient_id=None, signal=r.signal * np.float32(0.5)),
}


@pytest.fixture(scope="module")
def kb(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    place = tmp_path_factory.mktemp("real")
    folder = place / "ptbxl" / "records500" / "00000"
    folder.mkdir(parents=True)
    for header in sorted((data_dir / "ptbxl" / "records500" / "00000").glob("*.hea"))[:N_RECORDS]:
        for path in (header, header.with_suffix(".dat")):
            shutil.copy(path, folder / path.name)
    kb = KnowledgeBase.create(place / "kb", text_encoder=None)
    table = data_dir / "ptbxl" / "ptbxl_database.csv"
    built = kb.add(place / "ptbxl", reports=table, where="strat_fold <= 8", workers=1)
    assert built.n_added + built.n_rejected == built.n_seen > N_RECORDS / 2
    return kb


@pytest.mark.parametrize("name", list(QUERIES))
def test_the_100_hz_twin_of_a_case_never_finds_its_patient(kb: KnowledgeBase, data_dir: Path, name: str) -> None:
    everything = kb.search("sinusrhythmus sinus rhythm", k=N_RECORDS, mode="words")
    assert len(everything) > 10
    for hit in everything[:12]:
        twin = read_recording(data_dir / "ptbxl" / hit.case.metadata["filename_lr"])
        found = kb.search(Query(QUERIES[name](twin), k=10))
        assert len(found) == 10
        assert hit.case.patient_key not in {other.case.patient_key for other in found}


def test_the_filter_on_the_table_held(kb: KnowledgeBase) -> None:
    folds = {hit.case.metadata["strat_fold"] for hit in kb.search("rhythm sinusrhythmus", k=N_RECORDS, mode="words")}
    assert folds
    assert all(int(fold) <= 8 for fold in folds)


def test_a_held_out_ecg_gets_a_report_with_evidence(kb: KnowledgeBase, data_dir: Path) -> None:
    draft = kb.report(data_dir / "ptbxl" / "records100" / "00000" / "00023_lr")
    assert draft.abstained or draft.statements
    for statement in draft.statements:
        assert statement.citations or statement.measurements
