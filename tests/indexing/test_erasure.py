"""A patient's erasure leaves no byte, however often and wherever it is killed on the way."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest
from faults_of_disks import Killed, every_step, failing_at, killed_at
from indexing_fakes import DIM, FakeEncoder, FakeTextEncoder
from needles import OTHERS, SECRET_PATIENT, SECRETS, fill, haystack, needles

from precordia.core.errors import DamageError, UnfinishedErasureError, UsageError
from precordia.indexing.erasure import Erasure
from precordia.indexing.index_cache import caught_up, open_vector_index, open_word_index
from precordia.indexing.integrity import check
from precordia.indexing.store import DeltaCaseStore
from precordia.knowledge_base import KnowledgeBase


def test_an_erased_patient_leaves_no_byte(tmp_path: Path) -> None:
    kb, secrets = tmp_path / "kb", SECRETS
    store = fill(kb)
    for i in (5, 6):
        assert store.recording(i).n_leads == 12
    open_vector_index(store, "signal", DIM)
    open_vector_index(store, "text", FakeTextEncoder.dim)
    assert open_word_index(store).search("unmistakable", 5)

    before = haystack(kb)
    for what, needle in needles(secrets[0]).items():
        assert needle.lower() in before.lower() if what == "any text" else needle in before, f"{what} cannot be seen"

    # What crashes leave behind, too.
    (kb / "cases" / "part-stray.parquet").write_bytes(b"ZQXJ")
    (kb / "cache" / "rows" / "x.tmp").write_bytes(b"ZQXJ")

    erased = store.erase(SECRET_PATIENT, catch_up=caught_up)
    assert sorted(erased.case_ids) == sorted(s.case.case_id for s in secrets)
    assert erased.n_rejects == 2
    for secret in secrets:
        for _ in range(2):  # the second time with the derived files made again
            after = haystack(kb)
            for what, needle in needles(secret).items():
                found = needle in (after.lower() if what == "any text" else after)
                assert not found, f"{what} is still there"
            assert len(open_vector_index(store, "signal", DIM)) == OTHERS
            assert len(open_vector_index(store, "text", FakeTextEncoder.dim)) == OTHERS
            assert not open_word_index(store).search("unmistakable", 5)
            assert store.recording(5).n_leads == 12
    assert [r.recording_id for r in store.rejects()] == ["b"]
    assert len(DeltaCaseStore(kb)) == OTHERS
    assert store.ids.tolist() == list(range(1, OTHERS + 1))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    kb = tmp_path_factory.mktemp("filled") / "kb"
    store = fill(kb)
    open_vector_index(store, "signal", DIM)
    open_vector_index(store, "text", FakeTextEncoder.dim)
    open_word_index(store)
    assert store.recording(5).n_leads == 12
    return kb


def _left(kb: Path) -> list[str]:
    """What of the patient can still be found."""
    there = haystack(kb)
    return [what for secret in SECRETS for what, needle in needles(secret).items()
            if needle in (there.lower() if what == "any text" else there)]  # fmt: skip


def _erased(kb: Path) -> Erasure:
    return DeltaCaseStore(kb).erase(SECRET_PATIENT, catch_up=caught_up)


def test_indexes_of_vectors_stay_without_what_was_erased(filled: Path, tmp_path: Path) -> None:
    kb = shutil.copytree(filled, tmp_path / "kb")
    _erased(kb)
    stayed = {file.name for file in (kb / "cache").iterdir()}
    assert {"signal-vectors.json", "text-vectors.json"} <= stayed
    assert "words.json" not in stayed
    assert not _left(kb)
    assert len(open_vector_index(DeltaCaseStore(kb), "signal", DIM)) == OTHERS
    assert {file.name for file in (kb / "cache").iterdir()} == stayed, "nothing was made again"


@pytest.mark.slow
def test_killed_at_every_write_it_is_finished_by_whatever_opens_next(filled: Path, tmp_path: Path) -> None:
    begun = done = 0
    for at in every_step(_erased, filled, tmp_path / "count"):
        kb = shutil.copytree(filled, tmp_path / f"kb{at}")
        with killed_at(at), pytest.raises(Killed):
            _erased(kb)
        pending = (kb / "erasure.json").exists()
        if _left(kb) and not pending:  # it had not begun: all is as it was
            assert len(DeltaCaseStore(kb)) == OTHERS + 2
            assert len(DeltaCaseStore(kb)._all_rejects()) == 3
        else:
            begun += pending
            done += not pending
            assert check(kb).sound is not pending
            assert len(DeltaCaseStore(kb)) == OTHERS
            assert not _left(kb)
            assert not (kb / "erasure.json").exists()
        shutil.rmtree(kb)
    assert begun > 20
    assert done >= 1


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_retry_says_what_was_erased_and_not_that_there_was_nothing(
    filled: Path, tmp_path: Path, share: float
) -> None:
    steps = every_step(_erased, filled, tmp_path / "count")
    kb = shutil.copytree(filled, tmp_path / "kb")
    with killed_at(int(share * len(steps))), pytest.raises(Killed):
        _erased(kb)
    store = DeltaCaseStore(kb)
    erased = store.erase(SECRET_PATIENT)
    assert sorted(erased.case_ids) == sorted(s.case.case_id for s in SECRETS)
    assert erased.n_rejects == 2
    assert store.erase(SECRET_PATIENT).case_ids == ()


def test_a_knowledge_base_that_is_opened_and_asked_again_counts_what_opening_finished(
    filled: Path, tmp_path: Path
) -> None:
    kb = shutil.copytree(filled, tmp_path / "kb")
    with killed_at(9), pytest.raises(Killed):
        DeltaCaseStore(kb).erase(SECRET_PATIENT)
    opened = KnowledgeBase.open(kb, encoder=FakeEncoder(), text_encoder=FakeTextEncoder())
    assert len(opened) == OTHERS
    assert opened.erase(patient=SECRET_PATIENT) == len(SECRETS) + 2
    with pytest.raises(UsageError, match="holds nothing of that patient"):
        opened.erase(patient=SECRET_PATIENT)


def test_a_check_names_an_unfinished_erasure_and_a_repair_finishes_it(filled: Path, tmp_path: Path) -> None:
    kb = shutil.copytree(filled, tmp_path / "kb")
    with killed_at(9), pytest.raises(Killed):
        DeltaCaseStore(kb).erase(SECRET_PATIENT)
    before = sorted(file.name for file in kb.rglob("*"))
    assert [(p.what, p.kind) for p in check(kb).problems] == [("erasure.json", "unfinished")]
    assert sorted(file.name for file in kb.rglob("*")) == before
    assert check(kb, repair=True).sound
    assert not _left(kb)


def test_the_journal_does_not_name_the_patient(filled: Path, tmp_path: Path) -> None:
    kb = shutil.copytree(filled, tmp_path / "kb")
    with killed_at(5), pytest.raises(Killed):
        DeltaCaseStore(kb).erase(SECRET_PATIENT)
    journal = (kb / "erasure.json").read_text().lower()
    assert "zqxj" not in journal
    assert "/a/" not in journal


def test_a_disk_that_fails_on_the_way_leaves_it_unfinished_and_says_so(filled: Path, tmp_path: Path) -> None:
    steps = every_step(lambda kb: DeltaCaseStore(kb).erase(SECRET_PATIENT), filled, tmp_path / "count")
    for at in steps[6 :: max(1, len(steps) // 8)]:
        kb = shutil.copytree(filled, tmp_path / f"kb{at}")
        with failing_at(at, errno.ENOSPC), pytest.raises(UnfinishedErasureError, match=r"not finished.*disk is full"):
            DeltaCaseStore(kb).erase(SECRET_PATIENT)
        with failing_at(0, errno.EROFS), pytest.raises(UnfinishedErasureError, match="read-only"):
            DeltaCaseStore(kb)
        assert len(DeltaCaseStore(kb)) == OTHERS
        assert not _left(kb)


def test_a_journal_that_is_damaged_is_not_passed_over(filled: Path, tmp_path: Path) -> None:
    kb = shutil.copytree(filled, tmp_path / "kb")
    (kb / "erasure.json").write_bytes(b"{}")
    with pytest.raises(DamageError, match="asked for again"):
        DeltaCaseStore(kb)
    report = check(kb, repair=True)
    assert not report.sound
    assert len(DeltaCaseStore(kb)) == OTHERS + 2
