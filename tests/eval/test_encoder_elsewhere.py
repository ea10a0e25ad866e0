from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from precordia.concepts import vocabulary
from precordia.core.errors import InputError
from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.datasets.cpsc import read_classes
from precordia.eval.harness.registry import TASKS
from precordia.eval.harness.task import Settings
from precordia.eval.tasks.encoder.ablation_task import ENCODER_ABLATION, checkpoints
from precordia.eval.tasks.encoder.archives import Archive, implied_by, read_cinc, read_ludb, targets
from precordia.eval.tasks.encoder.text import prompt_scores, prompts_of
from precordia.eval.tasks.encoder.zero_shot_tables import CONCEPTS, STTC, LabelTable, read_tables


def _archive(stated: list[set[str]]) -> Archive:
    recordings = tuple(
        Recording(signal=np.zeros((12, 1000), np.float32), fs=100.0, leads=LEADS, recording_id=f"r{i}")
        for i in range(len(stated))
    )
    return Archive("here", recordings, tuple(vocabulary().implied(each) for each in stated))


def test_codes_bring_what_they_imply_and_unknown_ones_are_told() -> None:
    unknown: dict[str, None] = {}
    found = implied_by(["snomed:164889003", "snomed:1", "snomed:164909002"], unknown)
    assert {"AFIB", "AFAFL", "LBBB", "BBB"} <= found
    assert list(unknown) == ["snomed:1"]


def test_superclasses_follow_from_findings_unless_the_archive_has_its_own() -> None:
    archive = _archive([{"CLBBB"}, {"IMI", "LVH"}, {"SBRAD"}])
    expected = [[False, False, False, True, False], [False, True, False, False, True], [False] * 5]
    assert archive.superclasses().tolist() == expected
    own = np.ones((3, 5), dtype=bool)
    assert Archive("here", archive.recordings, archive.stated, own=own).superclasses() is own


def test_what_is_asked_has_enough_on_both_sides_and_the_most_special_name() -> None:
    archive = _archive([{"AFIB"}] * 3 + [{"SR"}] * 5 + [{"SR", "CLBBB"}])
    concepts = sorted(set().union(*archive.stated))
    learned = np.ones((30, len(concepts)), dtype=bool)
    # Atrial fibrillation, "fibrillation or flutter" and supraventricular arrhythmia are the same three recordings.
    assert targets(archive, learned, concepts, 3, 20) == ["AFIB", "SR"]
    assert targets(archive, learned, concepts, 4, 20) == []
    assert targets(archive, learned, concepts, 3, 31) == []
    assert "CLBBB" in targets(archive, learned, concepts, 1, 20)


def test_prompts_are_statements_and_scores_are_mean_cosines() -> None:
    class Words:
        dim = 2
        fingerprint = "f"

        def embed(self, texts: list[str]) -> np.ndarray:
            return np.array([[1.0, 0.0] if "block" in text else [0.0, 1.0] for text in texts], np.float32)

    assert prompts_of(["AFIB"]) == ("atrial fibrillation", "Atrial fibrillation.")
    space = np.array([[1.0, 0.0], [0.6, 0.8]], np.float32)
    scores = prompt_scores(space, Words(), [prompts_of(["CLBBB"]), prompts_of(["AFIB"]), ("block", "none")])
    np.testing.assert_allclose(scores, [[1.0, 0.0, 0.5], [0.6, 0.8, 0.7]], atol=1e-6)


def test_every_class_stands_for_findings_of_the_vocabulary() -> None:
    for name, concepts in [*CONCEPTS.items(), *STTC.items()]:
        assert concepts, name
        assert all(concept in vocabulary() for concept in concepts), name


def test_unfinished_checkpoints_are_told_and_a_missing_folder_refused(tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    for name in ("b", "a", "unfinished"):
        (folder / name).mkdir(parents=True)
        (folder / name / "encoder.json").write_text("{}")
    for name in ("b", "a"):
        (folder / name / "weights.safetensors").write_bytes(b"")
    (folder / "notes.txt").write_text("")
    done, left_out = checkpoints(folder)
    assert [path.name for path in done] == ["a", "b"]
    assert left_out == ["unfinished: no finished checkpoint, left out"]
    with pytest.raises(InputError, match="no such folder"):
        checkpoints(tmp_path / "none")


@pytest.mark.parametrize("name", ["encoder-transfer", "encoder-ablation", "zero-shot"])
def test_tasks_say_what_they_measure_and_which_data_is_missing(name: str, tmp_path: Path) -> None:
    task = TASKS.get(name)
    assert task.card.name == name
    assert "bootstrap by patient" in task.card.protocol
    with pytest.raises((InputError, FileNotFoundError)):
        task.run(Settings(data=tmp_path))


@pytest.mark.data
def test_the_archives_here_state_findings_and_ludb_comes_in_millivolts(data_dir: Path) -> None:
    cpsc = read_cinc("CPSC2018", data_dir)
    assert len(cpsc.recordings) == 24
    assert not cpsc.unknown
    assert all(cpsc.stated)
    by_name = {r.recording_id: stated for r, stated in zip(cpsc.recordings, cpsc.stated, strict=True)}
    assert {"1AVB", "AVB"} & by_name["A1982"]
    assert read_classes(data_dir / "manifest.csv")["A1983"] == ("scp:NORM",)
    ludb = read_ludb(data_dir / "ludb")
    assert len(ludb.recordings) == 50
    assert all("SINUS" in stated or stated for stated in ludb.stated)
    first = ludb.recordings[0]
    broken = first.lead("I") + first.lead("III") - first.lead("II")
    assert np.abs(broken).max() < 0.01
    assert ludb.labels(["SBRAD"])[0].all()


@pytest.mark.data
def test_every_column_of_the_tables_can_be_asked_and_rows_are_those_that_are_here(data_dir: Path) -> None:
    here = {"28": None, "9": None, "A1982": None, "JS00001": None}
    tables = read_tables(data_dir / "splits", here)
    assert [table.name for table in tables][:1] == ["PTB-XL superclasses"]
    assert [len(table.classes) for table in tables] == [5, 23, 19, 12, 9, 38]
    for table in tables:
        assert set(table.ecgs) <= here.keys()
        if table.name != "PTB-XL superclasses":
            assert all(table.concepts(column) for column in table.classes)
    cpsc: LabelTable = tables[4]
    assert cpsc.ecgs == ("A1982",)
    assert [c for c, wanted in zip(cpsc.classes, cpsc.labels[0], strict=True) if wanted] == ["1AVB"]


@pytest.mark.data
@pytest.mark.slow
def test_an_ablation_sets_the_shipped_encoder_above_an_untrained_one(
    part_of_ptbxl: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "half").mkdir()
    data = part_of_ptbxl({**dict.fromkeys(range(1, 8), 12), 8: 40, 9: 40})
    result = ENCODER_ABLATION.run(Settings(data=data, options={"folder": str(tmp_path)}))
    found = {(row.system, row.group, row.metric): row for row in result.rows}
    for fold in ("fold 8", "fold 9"):
        ours = found["default", fold, "macro AUROC, superclasses"]
        assert ours.value > found["untrained", fold, "macro AUROC, superclasses"].value
        assert ("untrained", fold, "macro AUROC, superclasses, zero-shot") not in found
        assert ("default", fold, "macro AUROC, superclasses, leads: I") in found
    assert any("half" in note for note in result.notes)
