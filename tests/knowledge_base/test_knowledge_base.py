"""What the one object promises: it opens only with what built it, sees what others add, and knows when to say nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import precordia
from precordia import KnowledgeBase, Query, Recording, read_recording
from precordia.arguments import names_file
from precordia.core.errors import (
    FilterError,
    KnowledgeBaseNotFoundError,
    MismatchError,
    UnreadableRecordingError,
    UsageError,
)
from precordia.core.leads import LEADS
from precordia.encoders import create
from precordia.indexing.index_cache import forget_index
from precordia.indexing.seals import sealed
from precordia.judgement.judge import judge
from precordia.judgement.models import FOLDER
from precordia.simulation.hospital import Archive, write_archive


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return write_archive(tmp_path_factory.mktemp("archive") / "hospital", 32, seed=11, formats=("wfdb",), poor=0.0)


@pytest.fixture(scope="module")
def kb(archive: Archive, tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    kb = KnowledgeBase.create(tmp_path_factory.mktemp("kb") / "kb", text_encoder=None)
    assert kb.add(archive.folder, reports=archive.reports, workers=1).n_added == 32
    return kb


def test_there_must_be_one(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeBaseNotFoundError, match="precordia build"):
        KnowledgeBase.open(tmp_path / "none")


def test_is_not_made_twice(kb: KnowledgeBase) -> None:
    with pytest.raises(UsageError, match="already"):
        KnowledgeBase.create(kb.path)


def test_another_encoder_is_refused_with_the_remedy(kb: KnowledgeBase) -> None:
    with pytest.raises(MismatchError, match="open it with encoder 'default'"):
        KnowledgeBase.open(kb.path, encoder=create("tiny", seed=1))


def test_another_schema_is_refused(kb: KnowledgeBase, tmp_path: Path) -> None:
    manifest = json.loads((kb.path / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_bytes(sealed({**manifest, "schema_version": 999}))
    with pytest.raises(MismatchError, match="999"):
        KnowledgeBase.open(tmp_path)


def test_sees_what_another_adds(archive: Archive, tmp_path: Path) -> None:
    reader = KnowledgeBase.create(tmp_path / "kb", text_encoder=None)
    assert reader.search(read_recording(archive.ecgs[0].path)) == []
    files = [str(ecg.path) for ecg in archive.ecgs[:6]]
    writer = KnowledgeBase.open(tmp_path / "kb")
    for path in files:
        writer.add(path, reports=archive.reports, workers=1)
    assert len(reader) == 6
    assert reader.search(read_recording(archive.ecgs[10].path), k=3)


def test_report_abstains_far_from_everything(kb: KnowledgeBase) -> None:
    t = np.arange(5000) / 500
    square = np.sign(np.sin(2 * np.pi * 3.1 * t)) + 0.1 * np.random.default_rng(0).normal(size=t.size)
    signal = np.stack([square * (-1) ** i for i in range(12)]).astype(np.float32)
    strange = Recording(signal, 500.0, LEADS, "strange")
    draft = kb.report(strange)
    assert draft.abstained
    assert draft.reason
    assert not any(statement.findings for statement in draft.statements)


def test_report_says_nothing_without_evidence(kb: KnowledgeBase, archive: Archive) -> None:
    for ecg in archive.ecgs[:5]:
        recording = read_recording(ecg.path)
        draft = kb.report(recording)
        for statement in draft.statements:
            assert statement.citations or statement.measurements
            assert ecg.patient_id not in {_patient(kb, citation.case_id) for citation in statement.citations}


def _patient(kb: KnowledgeBase, case_id: int) -> str:
    return kb.cases([case_id])[0].patient_key


def test_where_restricts_the_precedents(kb: KnowledgeBase, archive: Archive) -> None:
    recording = read_recording(archive.ecgs[0].path)
    assert {hit.case.sex for hit in kb.search(recording, k=32, where="sex = 'M'")} == {"M"}
    with pytest.raises(FilterError, match="columns"):
        kb.search(recording, where="shoe_size > 3")


def test_any_leads_and_any_length_will_do(kb: KnowledgeBase, archive: Archive) -> None:
    full = read_recording(archive.ecgs[3].path)
    short = replace(full, signal=full.signal[:2, : round(2.5 * full.fs)], leads=full.leads[:2], recording_id="short")
    hits = kb.search(Query(short, k=5, exclude_patient=False, exclude_near_duplicates=False))
    assert len(hits) == 5


def test_a_file_will_do_for_a_recording(kb: KnowledgeBase, archive: Archive) -> None:
    path = archive.ecgs[4].path
    assert kb.search(Path(path), k=4) == kb.search(read_recording(path), k=4)
    assert kb.report(path) == kb.report(read_recording(path))


def test_a_string_that_names_a_file_is_that_file(kb: KnowledgeBase, archive: Archive) -> None:
    header = archive.ecgs[2].path
    found = [hit.case.case_id for hit in kb.search(header, k=3)]
    assert found
    assert [hit.case.case_id for hit in kb.search(str(header), k=3)] == found
    assert [hit.case.case_id for hit in kb.search(str(header.with_suffix("")), k=3)] == found
    with pytest.raises(UnreadableRecordingError, match=r"no/such\.hea"):
        kb.search("no/such.hea")
    assert not names_file("sinus rhythm")
    assert not names_file("seen beside ecg.dat")
    assert not names_file("x" * 5000)
    assert not names_file("a\0b")
    assert not names_file("")


@pytest.mark.parametrize("wrong", [None, 3, 2.5, ["a.hea"], b"a.hea", object()])
def test_what_is_no_ecg_is_refused_with_what_is_taken(kb: KnowledgeBase, wrong: Any) -> None:
    for ask in (kb.search, kb.report, kb.evidence, kb.earlier, lambda ecg: kb.ask("What is the rhythm?", ecg)):
        with pytest.raises(
            UsageError, match=r"give a Recording.* or the path of an ECG file, not (None|a value of type \w+)$"
        ):
            ask(wrong)
    with pytest.raises(UsageError, match="a question is words, not"):
        kb.ask(wrong, kb.recording(kb.ids()[0]))
    with pytest.raises(UsageError, match="a language model is a spec"):
        kb.report(kb.recording(kb.ids()[0]), llm=wrong)
    for use in (precordia.measure, precordia.standardize, precordia.assess, lambda ecg: create("tiny").embed([ecg])):
        with pytest.raises(UsageError, match=r"give a Recording, such as read_recording\(path\) gives, not"):
            use(wrong)


@pytest.mark.parametrize("wrong", [None, 2.5, ["1"], b"1", object()])
def test_what_is_of_another_kind_is_refused_in_words(kb: KnowledgeBase, wrong: Any) -> None:
    uses: dict[str, Callable[[], object]] = {
        "the path of an ECG file": lambda: precordia.read_recording(wrong),
        "a report is words": lambda: precordia.label_report(wrong),
        "an encoder is the name": lambda: precordia.load_encoder(wrong),
        "a knowledge base is a folder": lambda: KnowledgeBase.open(wrong),
        "a source is a folder": lambda: kb.add([wrong]),
        "a case is named by a whole number": lambda: kb.cases([wrong]),
        "a case is named by": lambda: kb.recording(wrong),
        "a patient is named by text": lambda: kb.erase(patient=wrong),
        "k is .*; ask for 1 to 1000 hits": lambda: kb.search("sinus rhythm", k=wrong),
    }
    if not isinstance(wrong, Sequence):
        uses["give a list of recordings"] = lambda: create("tiny").embed(wrong)
    if wrong is not None:
        uses["where is a condition"] = lambda: kb.search("sinus rhythm", where=wrong)
        uses["the words to search for"] = lambda: kb.search(kb.recording(kb.ids()[0]), text=wrong)
    for message, use in uses.items():
        with pytest.raises(UsageError, match=message):
            use()


def test_reprs_are_one_line_and_tell_nothing_of_the_patient(kb: KnowledgeBase, archive: Archive) -> None:
    ecg = replace(read_recording(archive.ecgs[2].path), recording_id="MILLER_JANE", patient_id="MILLER_JANE")
    evidence = kb.evidence(ecg)
    draft = kb.report(evidence)
    assert draft.statements
    assert str(draft) == draft.text
    assert str(draft.statements[0]) == draft.statements[0].text
    judgement = judge(evidence)
    things = [kb, ecg, evidence, judgement, draft, *draft.statements, *draft.hits, *judgement.said, *evidence.hits]
    things += [evidence.measurements, evidence.quality, Query(ecg, text="Jane Miller has AF"), draft.hits[0].why]
    things += [draft.hits[0].case, *[c for s in draft.statements for c in s.citations], evidence.knowledge]
    things += [create("tiny"), kb.add([])]
    private = {"MILLER_JANE", "Jane", *filter(None, (hit.case.report for hit in draft.hits))}
    private |= {hit.case.patient_key for hit in draft.hits}
    for thing in things:
        shown = repr(thing)
        assert "\n" not in shown
        assert len(shown) <= 300, shown
        assert not [words for words in private if words in shown], type(thing)


def test_a_question_needs_one_or_two_ecgs(kb: KnowledgeBase) -> None:
    with pytest.raises(UsageError):
        kb.ask("Is this normal?")


def test_page_stands_alone(kb: KnowledgeBase, archive: Archive) -> None:
    recording = read_recording(archive.ecgs[0].path)
    page = kb.page(kb.report(recording), recording)
    assert page.startswith("<!doctype html>") or page.startswith("<!DOCTYPE html>")
    assert "<script" not in page
    assert "src=" not in page


def test_report_is_compared_with_the_patients_own_earlier_ecg(kb: KnowledgeBase, archive: Archive) -> None:
    recordings = {ecg.recording_id: read_recording(ecg.path) for ecg in archive.ecgs}
    known = {case.recording_id: case for case in kb.cases([int(i) for i in kb._store.ids])}
    by_patient: dict[str, list[str]] = {}
    for name, case in known.items():
        by_patient.setdefault(case.patient_key, []).append(name)
    visits = next(v for v in by_patient.values() if len({known[n].time for n in v}) > 1)
    first, *_, last = sorted(visits, key=lambda n: str(known[n].time))
    query = replace(recordings[last], patient_id=known[last].patient_key, time=known[last].time)
    assert [hit.case.recording_id for hit in kb.earlier(query, k=1)] != [last]
    assert first in [hit.case.recording_id for hit in kb.earlier(query, k=10)]
    assert kb.earlier(replace(query, time=known[first].time)) == []
    assert kb.earlier(replace(query, patient_id=None)) == []
    draft = kb.report(query)
    assert draft.earlier
    assert {hit.case.patient_key for hit in draft.earlier} == {query.patient_id}
    assert query.patient_id not in {hit.case.patient_key for hit in draft.hits}
    assert "Earlier ECGs of this patient" in kb.page(draft, query)


@pytest.fixture
def learned(archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KnowledgeBase:
    """A knowledge base that is taken for large enough to learn from."""
    monkeypatch.setattr("precordia.judgement.learning.FEWEST_CASES", 20)
    kb = KnowledgeBase.create(tmp_path / "kb", text_encoder=None)
    kb.add(archive.folder, reports=archive.reports, workers=1)
    return kb


def test_a_build_leaves_nothing_for_the_first_question_to_make(
    kb: KnowledgeBase, archive: Archive, tmp_path: Path
) -> None:
    path = shutil.copytree(kb.path, tmp_path / "kb")
    more = write_archive(tmp_path / "more", 3, seed=12, formats=("wfdb",), poor=0.0)
    assert KnowledgeBase.open(path).add(more.folder, reports=more.reports, workers=1).n_added == 3

    def made() -> dict[Path, int]:
        files = (file for file in (path / "cache").rglob("*") if file.is_file() and file.suffix != ".lock")
        return {file: file.stat().st_mtime_ns for file in files}

    left = made()
    assert {"signal-vectors.json", "words.json"} <= {file.name for file in left}
    opened = KnowledgeBase.open(path)
    assert opened.search(archive.ecgs[0].path, k=3)
    found = [(hit.case.case_id, hit.score) for hit in opened.search(Query(text="sinus rhythm", mode="words", k=40))]
    assert opened.summary()["n_cases"] == len(opened.ids()) == 35
    assert made() == left
    # What was added to an index is found as in one that is made of all.
    forget_index(path, "words")
    again = KnowledgeBase.open(path).search(Query(text="sinus rhythm", mode="words", k=40))
    assert [(hit.case.case_id, hit.score) for hit in again] == found


def test_a_small_archive_teaches_no_models(kb: KnowledgeBase) -> None:
    assert kb.knowledge().models is None
    assert kb.refit() is None


def test_an_archive_teaches_models_that_promise_nothing_of_few_patients(
    learned: KnowledgeBase, archive: Archive
) -> None:
    models = learned.knowledge().models
    assert models is not None
    assert models.n_cases == models.n_archive == 31  # one says nothing that is a finding
    assert models.promise.withdrawn
    again = KnowledgeBase.open(learned.path)
    path = archive.ecgs[0].path
    assert again.report(path) == learned.report(path)
    judgement = judge(learned.evidence(path))
    assert {judgement.standing(concept).source for concept in models.concepts} >= {"model"}
    assert not any(standing.calibrated for standing in judgement.said)


def test_fitting_anew_gives_the_same_files(learned: KnowledgeBase) -> None:
    files = sorted((learned.path / FOLDER).iterdir())
    before = [path.read_bytes() for path in files]
    learned.refit()
    assert [path.read_bytes() for path in files] == before


def test_what_an_erased_patient_taught_is_forgotten(learned: KnowledgeBase, archive: Archive) -> None:
    before = learned.knowledge().models
    assert learned.erase(patient=archive.ecgs[0].patient_id) == 1
    after = learned.knowledge().models
    assert before is not None
    assert after is not None
    assert (after.n_archive, after.n_patients) == (before.n_archive - 1, before.n_patients - 1)


def test_damaged_models_say_how_to_make_them_anew(learned: KnowledgeBase, archive: Archive) -> None:
    next((learned.path / FOLDER).glob("*.npz")).write_bytes(b"damaged")
    kb = KnowledgeBase.open(learned.path)
    with pytest.raises(MismatchError, match="--refit"):
        kb.report(archive.ecgs[0].path)
    kb.refit()
    assert kb.report(archive.ecgs[0].path) == learned.report(archive.ecgs[0].path)
