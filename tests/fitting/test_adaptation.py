"""What is relied on: an archive adapts its encoder, is told what that was worth, embeds itself anew, and goes back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from precordia import KnowledgeBase
from precordia.cli.main import main
from precordia.core.bootstrap import Estimate
from precordia.core.errors import InputError, MismatchError, UsageError
from precordia.encoders import create, load_encoder, save_encoder
from precordia.encoders.adapting import AdaptRecipe
from precordia.encoders.seen import seen_by
from precordia.fitting.adaptation import adapting
from precordia.fitting.adaptation.check import Check
from precordia.fitting.adaptation.labels import labels_of_reports, read_labels
from precordia.fitting.adaptation.material import material_of
from precordia.indexing.store import DeltaCaseStore
from precordia.simulation import write_archive

RECIPE = AdaptRecipe(epochs=1, batch_size=8)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base") / "tiny"
    save_encoder(create("tiny", seed=3), folder)
    return folder


@pytest.fixture(scope="module")
def kb(base: Path, tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    folder = tmp_path_factory.mktemp("kb")
    archive = write_archive(folder / "hospital", 48, seed=11, formats=("wfdb",), poor=0.0)
    kb = KnowledgeBase.create(folder / "kb", encoder=str(base), text_encoder=None)
    kb.add(archive.folder, reports=archive.reports, workers=1)
    return kb


def vectors(kb: KnowledgeBase) -> dict[int, np.ndarray[Any, Any]]:
    return {int(i): v for ids, rows in DeltaCaseStore(kb.path).vectors() for i, v in zip(ids, rows, strict=True)}


def labels_file(kb: KnowledgeBase, file: Path, n: int = 40) -> Path:
    """What the reports of the first cases say of sinus rhythm, as a file."""
    known = labels_of_reports(kb.cases(kb.ids())).stated
    rows = [f"{i},{'sinus rhythm' if 'SR' in known.get(i, ()) else ''}" for i in sorted(kb.ids())[:n]]
    file.write_text("\n".join(["case_id,findings", *rows]) + "\n")
    return file


def test_adapts_applies_and_goes_back(
    kb: KnowledgeBase, base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, out = vectors(kb), tmp_path / "adapter"
    file = labels_file(kb, tmp_path / "few.csv")
    command = ["adapt", str(kb.path), "--labels", str(file), "--out", str(out), "--epochs", "1", "--json"]
    assert main(command) == 0
    told = capsys.readouterr()
    facts = json.loads(told.out)
    assert facts["findings"] == ["SR"]
    assert facts["n_training"] + facts["n_held_back"] == 40
    assert facts["check"]["gain"]["low"] <= facts["check"]["gain"]["value"] <= facts["check"]["gain"]["high"]
    assert facts["recommended"] is facts["check"]["better"]
    assert f"difference {facts['check']['gain']['value']:+.3f}" in told.err
    assert ("NOT RECOMMENDED" in told.err) is not facts["recommended"]
    assert 0 < facts["share_of_parameters"] < 0.2
    assert sorted(file.name for file in out.iterdir()) == ["adapter.json", "adapter.safetensors", "seen.npy"]
    assert main(command) == 0  # again: finished already, and the same
    assert json.loads(capsys.readouterr().out) == facts
    assert main([*command[:-3], "--epochs", "2"]) == 2
    assert "another adapter" in capsys.readouterr().err
    assert all(np.array_equal(vector, before[i]) for i, vector in vectors(kb).items())

    if not facts["recommended"]:
        assert main(["adapt", str(kb.path), "--apply", str(out)]) == 2
        assert "--force" in capsys.readouterr().err
    assert main(["adapt", str(kb.path), "--apply", str(out), "--force"]) == 0
    adapted, encoder = KnowledgeBase.open(kb.path), load_encoder(out)
    assert adapted.manifest.encoder_fingerprint == encoder.fingerprint == facts["fingerprint"]
    found = vectors(adapted)
    assert max(np.abs(found[i] - before[i]).max() for i in before) > 1e-3
    np.testing.assert_allclose(
        encoder.embed([adapted.recording(i) for i in before]), list(map(found.get, before)), atol=1e-5
    )
    assert len(adapted.search(adapted.recording(next(iter(before))), k=3)) == 3
    capsys.readouterr()
    assert main(["inspect", str(kb.path), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["encoder"], summary["base_encoder"]) == (str(out.resolve()), str(base.resolve()))
    with pytest.raises(MismatchError):
        kb.search(adapted.recording(next(iter(before))))
    for again in (["--apply", str(out), "--force"], ["--out", str(tmp_path / "second")]):
        assert main(["adapt", str(kb.path), *again]) == 2
        assert "--rollback comes first" in capsys.readouterr().err

    patient = adapted.cases([adapted.ids()[0]])[0].patient_key
    gone = [case.case_id for case in adapted.cases(adapted.ids()) if case.patient_key == patient]
    adapted.erase(patient=patient)
    for part in out.iterdir():
        part.unlink()  # going back needs no adapter
    assert main(["adapt", str(kb.path), "--rollback"]) == 0
    back = KnowledgeBase.open(kb.path)
    assert back.manifest.encoder == str(base.resolve())
    assert back.manifest.base_encoder is None
    assert set(vectors(back)) == set(before) - set(gone)
    assert max(np.abs(vector - before[i]).max() for i, vector in vectors(back).items()) < 1e-5
    assert main(["adapt", str(kb.path), "--rollback"]) == 2


def test_reports_serve_as_labels_and_what_was_trained_on_is_known_as_seen(kb: KnowledgeBase, tmp_path: Path) -> None:
    kb = KnowledgeBase.open(kb.path)
    made = adapting.adapt(kb.path, tmp_path / "a", recipe=RECIPE)
    assert made.facts["labels"] == "reports"
    encoder = load_encoder(tmp_path / "a")
    cases = kb.cases(kb.ids())
    material = material_of(cases, labels_of_reports(cases), RECIPE.seed)
    trained = encoder.embed([kb.recording(i) for i in material.training])
    assert seen_by(str(tmp_path / "a"), trained).all()
    same = adapting.adapt(kb.path, tmp_path / "b", recipe=RECIPE)
    assert same.adapter.fingerprint == made.adapter.fingerprint


def test_no_patient_is_on_both_sides(kb: KnowledgeBase) -> None:
    cases = kb.cases(kb.ids())
    patient_of = {case.case_id: case.patient_key for case in cases}
    material = material_of(cases, labels_of_reports(cases), 1)
    held = {patient_of[i] for i in material.held_back}
    assert held
    assert not held & {patient_of[i] for i in (*material.training, *material.unlabelled)}
    assert material_of(cases, labels_of_reports(cases), 2).held_back != material.held_back
    few = dict(list(labels_of_reports(cases).stated.items())[:5])
    with pytest.raises(UsageError, match="patients have labels"):
        material_of(cases, type(labels_of_reports(cases))(few, "file"), 1)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("id,findings\n1,AFIB\n", "line 1: needs a column case_id"),
        ("case_id,findings\n{0},AFIB\n{1},afibb\n", "line 3: finding 1 is not in the vocabulary; did you mean 'afib'"),
        ("case_id,findings\n{0},AFIB; snomed:1\n", "line 2: finding 2 is no code"),
        ("case_id,findings\n77,AFIB\n", "line 2: the knowledge base has no case of that case_id"),
        ("recording_id,findings\n77,AFIB\n", "line 2: the knowledge base has no case of that recording_id"),
        ("case_id,findings\n{0},AFIB\n{0},AFIB\n", "line 3: this case has a label already"),
        ("case_id,findings\n{0},AFIB,SR\n", "line 2: has not as many cells"),
        ("case_id,findings\n{0}\n", "line 2: has not as many cells"),
        ("case_id,findings\n", "has no labels"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(kb: KnowledgeBase, tmp_path: Path, content: str, says: str) -> None:
    ids = kb.ids()
    (tmp_path / "few.csv").write_text(content.format(*ids))
    with pytest.raises(InputError) as raised:
        read_labels(tmp_path / "few.csv", kb.cases(ids))
    assert says in str(raised.value)
    assert str(tmp_path / "few.csv") in str(raised.value)


def test_findings_by_identifier_name_and_code(kb: KnowledgeBase, tmp_path: Path) -> None:
    cases = kb.cases(kb.ids()[:3])
    names = ["AFIB; Complete left bundle branch block", "snomed:164889003|scp:CLBBB", ""]
    rows = [f'{case.recording_id},"{said}"' for case, said in zip(cases, names, strict=True)]
    (tmp_path / "few.csv").write_text("\n".join(["recording_id,findings", *rows]))
    stated = read_labels(tmp_path / "few.csv", cases).stated
    found = [stated[case.case_id] for case in cases]
    assert found[0] == found[1] >= {"AFIB", "CLBBB"}
    assert found[2] == frozenset()
    with pytest.raises(InputError, match=r"none\.csv: cannot be read"):
        read_labels(tmp_path / "none.csv", cases)


@pytest.mark.parametrize(
    ("low", "high", "says"), [(0.01, 0.1, "better on"), (-0.01, 0.1, "not shown"), (-0.1, -0.01, "WORSE")]
)
def test_the_verdict_goes_by_the_interval(low: float, high: float, says: str) -> None:
    gain = Estimate((low + high) / 2, low, high, 50)
    check = Check(Estimate(0.8, 0.7, 0.9, 50), Estimate(0.8, 0.7, 0.9, 50), gain, 3, 40)
    assert check.verdict().startswith(says)
    assert check.better is (says == "better on")


def test_one_thing_at_a_time(kb: KnowledgeBase, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, says in (
        ([], "one of --out"),
        (["--rollback", "--apply", "x"], "one of --out"),
        (["--rollback", "--labels", "x.csv"], "--labels goes with --out"),
        (["--out", str(tmp_path / "x"), "--rank", "0"], "rank 0"),
        (["--out", str(tmp_path / "x"), "--threads", "0"], "--threads 0"),
    ):
        assert main(["adapt", str(kb.path), *words]) == 2
        assert says in capsys.readouterr().err
    assert not (tmp_path / "x").exists()
