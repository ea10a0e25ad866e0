"""Few-shot episodes: who may be in them, what answers them, and what is counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from precordia.cli.main import main
from precordia.core.errors import UsageError
from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.datasets.ecgqa.questions import Question
from precordia.eval.harness.task import Settings
from precordia.eval.tasks.ecgqa.episodes import KINDS, PARTS, Draws, Episode, Shape, answer_text
from precordia.eval.tasks.ecgqa.few_shot import ByVector, Majority, QuestionOnly, chance, nearest, probe, prototype
from precordia.eval.tasks.ecgqa.fewshot_task import ECGQA_FEWSHOT, rows_of, without_copies
from precordia.fitting.answers.signals import Signals


def asked(ecg: int, answer: str, about: str = "a", number: int = 7, kind: str = "single-verify") -> Question:
    return Question(
        "test", ecg, 1, number, kind, "noise", f"Is there {about}?", frozenset(answer.split("+")), (ecg,), (about,)
    )


def of_patients(patients: dict[int, str]) -> Signals:
    return Signals({ecg: Path() for ecg in patients}, {}, patients, {})


@pytest.fixture
def draws() -> Draws:
    """Ten questions of yes, no and not sure; two ECGs a patient; the last 100 patients are held back, one of them is in both."""
    patients = {ecg: f"p{ecg // 2}" for ecg in range(600)} | {599: "p0"}
    questions = [
        asked(ecg, ("yes", "no", "not sure")[ecg % 3], about=f"subject {ecg % 10}", number=ecg % 10)
        for ecg in range(600)
    ]
    return Draws(questions[:400], questions[400:], of_patients(patients), seed=1)


def patient(question: Question) -> str:
    return "p0" if question.ecgs[0] == 599 else f"p{question.ecgs[0] // 2}"


@pytest.mark.parametrize("kind", KINDS)
def test_support_and_query_share_no_patient_and_weigh_classes_alike(draws: Draws, kind: str) -> None:
    shape = Shape(kind, "single-verify", 2, 3)  # type: ignore[arg-type]
    for number in range(25):
        episode = draws.episode(shape, number, queries=4)
        assert episode is not None
        assert episode == draws.episode(shape, number, queries=4)
        assert not {patient(q) for q in episode.support} & {patient(q) for q in episode.query}

        def name(q: Question) -> tuple[int, str]:
            return q.question_id, answer_text(q)

        support, query = Counter(map(name, episode.support)), Counter(map(name, episode.query))
        assert set(support.values()) == {3}
        assert support.keys() == query.keys()
        assert len(set(query.values())) == 1
        assert {answer for _, answer in support} <= {"yes", "no"}
        if kind == "question":
            assert len({number for number, _ in support}) == 1
        for key in support:
            assert len({patient(q) for q in episode.support if name(q) == key}) == 3
    assert draws.episode(shape, 0, queries=4) != draws.episode(shape, PARTS, queries=4)


@pytest.mark.parametrize("kind", KINDS)
def test_classes_of_meta_training_are_never_tested(draws: Draws, kind: str) -> None:
    shape = Shape(kind, "single-verify", 2, 2)  # type: ignore[arg-type]

    def classes(episode: Episode | None) -> set[object]:
        assert episode is not None
        return {(q.question_id, answer_text(q)) if kind == "classes" else q.question_id for q in episode.query}

    tested_of_any: set[object] = set()
    for part in range(PARTS):
        tested = set().union(*(classes(draws.episode(shape, part + PARTS * i, 2)) for i in range(20)))
        trained = set().union(*(classes(draws.episode(shape, i, 2, meta_train=part)) for i in range(20)))
        assert not tested & trained
        tested_of_any |= tested
    assert len(tested_of_any) == (20 if kind == "classes" else 10)  # each class is tested in one of the fifths
    episode = draws.episode(shape, 0, 2, meta_train=0)
    assert episode is not None
    assert max(q.ecgs[0] for q in episode.query) < 400  # meta-training sees no held-back ECG


def test_without_enough_classes_or_ecgs_there_is_no_episode(draws: Draws) -> None:
    assert draws.episode(Shape("question", "single-verify", 3, 1), 0, 1) is None
    assert draws.episode(Shape("classes", "single-verify", 5, 1), 0, 1) is None  # a fifth of 20 classes is 4
    assert draws.episode(Shape("classes", "single-verify", 2, 15), 0, 1) is None


class Angles:
    """Vectors in the plane, at as many degrees as the ECG's number."""

    def of(self, ecg: int) -> np.ndarray:
        return np.array([np.cos(np.radians(ecg)), np.sin(np.radians(ecg))], dtype=np.float32)


ANGLES = Angles()


def test_rules_by_hand() -> None:
    support = (asked(0, "yes"), asked(20, "yes"), asked(24, "no"), asked(80, "no"), asked(25, "none", number=8))
    episode = Episode(0, 0, support, (asked(21, "yes"), asked(50, "no"), asked(25, "none", number=8)))

    def says(*args: object, **kwargs: object) -> list[str]:
        return ByVector("x", ANGLES, *args, **kwargs).answers(episode)  # type: ignore[arg-type]

    assert says(nearest) == ["yes", "no", "none"]
    assert says(prototype) == ["yes", "no", "none"]  # means at 10 and 52 degrees
    assert says(prototype, reads_question=False) == ["none", "no", "none"]
    assert says(prototype, swapped=True) == ["no", "yes", "none"]  # each shown the next one's ECG: 50, 25, 21 degrees
    assert Majority().answers(episode) == ["no"] * 3
    assert QuestionOnly().answers(episode) == ["no", "no", "none"]
    assert chance(episode) == 1 / 3


def test_the_probe_is_logistic_regression_on_the_same_question() -> None:
    support = tuple(asked(ecg, "yes" if ecg < 40 else "no") for ecg in (0, 10, 30, 50, 70, 90))
    other = asked(45, "none", number=8)
    query = tuple(asked(ecg, "yes") for ecg in range(0, 91, 9))
    found = ByVector("probe", ANGLES, probe(10.0)).answers(Episode(0, 0, (*support, other), (*query, other)))  # type: ignore[arg-type]
    model = LogisticRegression(C=10.0).fit([ANGLES.of(q.ecgs[0]) for q in support], [answer_text(q) for q in support])
    assert found == [*model.predict([ANGLES.of(q.ecgs[0]) for q in query]), "none"]


def test_copies_of_a_held_back_signal_are_left_out() -> None:
    signals = of_patients({1: "p", 2: "q", 3: "r"})
    for ecg, value in ((1, 1.0), (2, 2.0), (3, 1.0)):
        signals._read[ecg] = Recording(np.full((12, 5000), value, np.float32), 500.0, LEADS, str(ecg))
    kept, n = without_copies([asked(1, "no"), asked(2, "no")], [asked(3, "no")], signals)
    assert ([q.ecgs for q in kept], n) == ([(2,)], 1)


def test_accuracy_and_what_the_ecg_adds() -> None:
    samples = [
        {"system": system, "patient": f"p{i // 2}", "correct": correct}
        for system, values in (
            ("chance", (0.5,) * 4),
            ("question text only", (1.0, 0.0, 1.0, 0.0)),
            ("prototype", (1.0, 1.0, 1.0, 0.0)),
        )
        for i, correct in enumerate(values)
    ]
    rows = {(r.system, r.metric): r for r in rows_of("g", samples, seed=1)}
    assert {key: row.value for key, row in rows.items()} == {
        ("chance", "accuracy"): 0.5,
        ("question text only", "accuracy"): 0.5,
        ("prototype", "accuracy"): 0.75,
        ("prototype", "accuracy less question text only"): 0.25,
    }
    low_high = rows["prototype", "accuracy"]
    assert (low_high.low, low_high.high) == (0.5, 1.0)  # two patients, at 1 and at 0.5


def test_several_answers_are_one_class() -> None:
    assert answer_text(replace(asked(1, "b+a"), type="single-query")) == "a, b"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"way": "2"}, "way is not known"),
        ({"ways": "1"}, "at least 2"),
        ({"shots": "1,x"}, "at least 1"),
        ({"queries": "1,2"}, "queries='1,2'"),
        ({"questions": "all"}, "built or published"),
    ],
)
def test_options_are_checked(tmp_path: Path, options: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ECGQA_FEWSHOT.run(Settings(tmp_path, options=options))


@pytest.mark.data
def test_the_same_seed_gives_the_same_bytes(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Flat:
        dim = 3
        fingerprint = "flat"

        def embed(self, recordings: list[Recording]) -> np.ndarray:
            rows = np.stack([r.lead("II")[:3] for r in recordings]) + 1
            return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    monkeypatch.setattr("precordia.encoders.load_encoder", lambda name: Flat())
    monkeypatch.setattr("precordia.eval.harness.results.git_commit", lambda: "0" * 40)
    few = ["--limit", "4", "--set", "questions=published", "--set", "ways=2", "--set", "shots=1"]
    for out in ("a", "b"):
        assert main(["eval", "ecgqa-fewshot", "--data", str(data_dir), *few, "--out", str(tmp_path / out)]) == 0
    for name in ("ecgqa-fewshot.json", "ecgqa-fewshot.parquet"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert "single-verify, one question, 2-way 1-shot" in capsys.readouterr().out
