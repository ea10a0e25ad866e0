"""Other vectors take the place of all at once: killed anywhere, a knowledge base is of the former encoder or of the new one."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from faults_of_disks import Killed, every_step, killed_at
from indexing_fakes import DIM, FakeEncoder, FakeTextEncoder, row
from needles import SECRET_PATIENT, SECRET_REPORT, append, haystack
from numpy.typing import NDArray

from precordia.cli.main import main
from precordia.core.errors import BusyError, DamageError, MismatchError
from precordia.core.recording import Recording
from precordia.indexing.index_cache import open_vector_index
from precordia.indexing.integrity import check
from precordia.indexing.manifest import MANIFEST_COPY, Manifest
from precordia.indexing.reembedding import JOURNAL, manifest_of
from precordia.indexing.store import DeltaCaseStore
from precordia.knowledge_base import KnowledgeBase


class OtherEncoder(FakeEncoder):
    """Another one, whose vectors are those of the first with their numbers turned round."""

    def __init__(self) -> None:
        super().__init__("other-encoder")

    def embed(self, recordings: Sequence[Recording]) -> NDArray[np.float32]:
        return np.ascontiguousarray(super().embed(recordings)[:, ::-1])


class Wider(FakeEncoder):
    """One whose vectors are longer."""

    dim = DIM + 2

    def __init__(self) -> None:
        super().__init__("wider-encoder")

    def embed(self, recordings: Sequence[Recording]) -> NDArray[np.float32]:
        return np.pad(super().embed(recordings), ((0, 0), (0, 2)))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve ECGs, two of a patient whose words can be told from all others, with the vectors of the fake encoder."""
    kb = tmp_path_factory.mktemp("filled") / "kb"
    store, manifest = DeltaCaseStore.create(kb), Manifest.of(FakeEncoder(), "fake", FakeTextEncoder(), "letters")
    manifest.save(kb)
    secrets = [row(i, SECRET_PATIENT, SECRET_REPORT) for i in (11, 12)]
    with store.writing() as writer:
        append(writer, [*(row(i, f"P{i}") for i in range(1, 6)), secrets[0]])
        append(writer, [*(row(i, f"P{i}") for i in range(6, 11)), secrets[1]])
    store.reembed(manifest, FakeEncoder())
    open_vector_index(store, "signal", DIM)
    (kb / "judgement").mkdir()
    (kb / "judgement" / "models.json").write_text("{}")
    return kb


def turn(kb: Path) -> None:
    DeltaCaseStore(kb).reembed(Manifest.of(OtherEncoder(), "other", FakeTextEncoder(), "fake"), OtherEncoder())


def vectors(store: DeltaCaseStore, kind: str = "signal") -> dict[int, NDArray[np.float32]]:
    return {int(i): v for ids, rows in store.vectors(kind) for i, v in zip(ids, rows, strict=True)}  # type: ignore[arg-type]


def assert_made_by(kb: Path, encoder: FakeEncoder) -> None:
    store = DeltaCaseStore(kb)
    assert manifest_of(kb, store.version).encoder_fingerprint == encoder.fingerprint
    found = vectors(store)
    for i in list(found)[:3]:
        np.testing.assert_allclose(found[i], encoder.embed([store.recording(i)])[0], atol=1e-5)
    assert len(found) == len(store)


def test_every_case_has_the_new_vector_and_all_else_as_it_was(filled: Path, tmp_path: Path) -> None:
    kb = shutil.copytree(filled, tmp_path / "kb")
    before = DeltaCaseStore(kb)
    cases, texts = before.get(before.ids.tolist()), vectors(before, "text")
    former = next(iter(vectors(before).values()))
    turn(kb)
    assert_made_by(kb, OtherEncoder())
    after = DeltaCaseStore(kb)
    assert after.get(after.ids.tolist()) == cases
    for i, vector in vectors(after, "text").items():
        np.testing.assert_array_equal(vector, texts[i])
    assert former.tobytes() not in haystack(kb)
    assert not list((kb / "judgement").iterdir())
    query = OtherEncoder().embed([after.recording(5)])[0]
    assert open_vector_index(after, "signal", DIM).search(query, 1)[0].tolist() == [[5]]


def test_one_of_a_former_encoder_says_the_command_and_is_opened_after_it(
    filled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kb = shutil.copytree(filled, tmp_path / "kb")
    Manifest.load(kb).renamed("gone").save(kb)
    command = rf"precordia build --reembed --kb {kb}"
    with pytest.raises(MismatchError, match=f"'gone' cannot be loaded .*: {command}"):
        KnowledgeBase.open(kb, text_encoder=FakeTextEncoder())
    with pytest.raises(MismatchError, match=command):
        KnowledgeBase.open(kb, encoder=Wider(), text_encoder=FakeTextEncoder())
    manifest = Manifest.load(kb)
    # Without search by meaning: the fake text encoder has no name to load it by.
    replace(manifest, text_encoder=None, text_encoder_fingerprint=None, text_dim=None).save(kb)
    opened = KnowledgeBase.reembed(kb, encoder=Wider())
    assert_made_by(kb, Wider())
    assert (opened.manifest.dim, opened.manifest.encoder) == (Wider.dim, "custom")
    assert [hit.case.case_id for hit in opened.search(opened.recording(5), k=3)]
    version = opened.store.version
    assert KnowledgeBase.reembed(kb, encoder=Wider()).store.version == version
    assert main(["build", "x", "--reembed", "--kb", str(kb)]) == 2
    assert "without an archive" in capsys.readouterr().err
    assert main(["build", "--reembed", "--kb", str(kb)]) == 0
    assert "12 cases embedded with default" in capsys.readouterr().err
    assert KnowledgeBase.open(kb).search("sinus", k=1) is not None


def maker(kb: Path) -> FakeEncoder:
    name = manifest_of(kb, DeltaCaseStore(kb).version).encoder_fingerprint
    return next(e for e in (FakeEncoder(), OtherEncoder()) if e.fingerprint == name)


def test_killed_at_any_write_it_is_the_one_or_the_other(filled: Path, tmp_path: Path) -> None:
    made: set[str] = set()
    for at in every_step(turn, filled, tmp_path / "count"):
        kb = shutil.copytree(filled, tmp_path / f"kb{at}")
        with killed_at(at), pytest.raises(Killed):
            turn(kb)
        check(kb)
        encoder = maker(kb)
        assert_made_by(kb, encoder)
        theirs = [e.embed([DeltaCaseStore(kb).recording(11)])[0][3:6] for e in (FakeEncoder(), OtherEncoder())]
        KnowledgeBase.open(kb, encoder=encoder, text_encoder=FakeTextEncoder()).erase(patient=SECRET_PATIENT)
        assert not (kb / JOURNAL).exists()
        made.add(encoder.fingerprint)
        assert Manifest.load(kb) == Manifest.load(kb, MANIFEST_COPY)
        assert Manifest.load(kb).encoder_fingerprint == encoder.fingerprint
        assert_made_by(kb, encoder)
        left = haystack(kb)
        assert b"ZQXJ" not in left
        assert not any(vector.tobytes() in left for vector in theirs)
        shutil.rmtree(kb)
    assert len(made) == 2


def test_whoever_had_it_open_is_told(filled: Path, tmp_path: Path) -> None:
    kb = shutil.copytree(filled, tmp_path / "kb")
    opened = KnowledgeBase.open(kb, encoder=FakeEncoder(), text_encoder=FakeTextEncoder())
    assert opened.search(opened.recording(5), k=3)
    turn(kb)
    with pytest.raises(MismatchError, match="opened with fingerprint fake"):
        opened.search(KnowledgeBase.open(kb, encoder=OtherEncoder(), text_encoder=FakeTextEncoder()).recording(5), k=3)


def test_waits_for_no_other_writer(filled: Path, tmp_path: Path) -> None:
    kb = shutil.copytree(filled, tmp_path / "kb")
    with DeltaCaseStore(kb).writing(), pytest.raises(BusyError):
        DeltaCaseStore(kb).reembed(Manifest.of(OtherEncoder(), "other"), OtherEncoder(), wait_s=0.0)
    assert_made_by(kb, FakeEncoder())


def test_a_damaged_journal_is_not_passed_over(filled: Path, tmp_path: Path) -> None:
    kb = shutil.copytree(filled, tmp_path / "kb")
    (kb / JOURNAL).write_bytes(b"{}")
    with pytest.raises(DamageError, match=JOURNAL):
        KnowledgeBase.open(kb, encoder=FakeEncoder(), text_encoder=FakeTextEncoder())
