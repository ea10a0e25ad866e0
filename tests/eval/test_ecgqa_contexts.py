"""What changes when a system is shown other precedents, counted by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from precordia.core.case import Case
from precordia.core.errors import InputError, UsageError
from precordia.core.findings import Measurements
from precordia.core.progress import Progress
from precordia.core.recording import Recording
from precordia.core.retrieval import Hit, Why
from precordia.datasets.ecgqa.questions import Question
from precordia.eval.harness.task import Settings
from precordia.eval.tasks.ecgqa.bench import classes_of
from precordia.eval.tasks.ecgqa.contexts import CONTEXTS, Context, Shown, other_patients
from precordia.eval.tasks.ecgqa.contexts_task import ECGQA_CONTEXTS, MEAN, SWAPPED, Renamed, rows_of
from precordia.eval.tasks.ecgqa.neighbours import NeighboursVote
from precordia.eval.tasks.ecgqa.outcomes import Outcome, ask
from precordia.eval.tasks.ecgqa.shipped import JUDGEMENT
from precordia.eval.tasks.ecgqa.system import Put, Reply
from precordia.fitting.answers.signals import Signals


def asked(ecg: int, answer: str, kind: str = "single-verify", attributes: tuple[str, ...] = ("a",)) -> Question:
    return Question("test", ecg, 1, 7, kind, "noise", "Noise?", frozenset({answer}), (ecg,), attributes)


def of_patients(patients: dict[int, str]) -> Signals:
    return Signals({ecg: Path() for ecg in patients}, {}, patients, dict.fromkeys(patients, 1))


class Angles:
    """Vectors in the plane, at so many degrees."""

    def __init__(self, degrees: dict[int, float]) -> None:
        self._degrees = degrees

    def of(self, ecg: int) -> np.ndarray:
        angle = np.radians(self._degrees[ecg])
        return np.array([np.cos(angle), np.sin(angle)], dtype=np.float32)


class Shelf:
    """Precedents that say which ECG's they are."""

    def hits(self, ecg: int) -> list[Hit]:
        return [Hit(1, 0.9, Case(100 + ecg, "r", "p", f"nearest to {ecg}", ()), Why({}, {}))]

    def precedents(self, ecg: int, measurements: Callable[[int], Measurements]) -> list[Hit]:
        return self.hits(ecg)

    def random_hits(self, ecg: int, seed: int) -> list[Hit]:
        return [Hit(1, 0.1, Case(seed, "r", "p", "random", ()), Why({}, {}))]


def test_each_context_shows_its_precedents() -> None:
    assert get_args(Context) == CONTEXTS
    shown = {c: [h.case.report for h in Shown(Shelf(), c, {1: 2}, 5).hits(1)] for c in CONTEXTS}
    assert shown == {"nearest": ["nearest to 1"], "none": [], "random": ["random"], "wrong": ["nearest to 2"]}
    assert Shown(Shelf(), "wrong", {}).hits(1) == []


def test_the_wrong_ecg_is_of_another_patient() -> None:
    signals = of_patients({1: "p", 2: "p", 3: "q"})
    questions = [asked(ecg, "no") for ecg in (1, 2, 3)]
    found = other_patients(questions, signals, 0)
    assert found[1] == found[2] == 3
    assert found[3] in (1, 2)
    assert other_patients(questions[:2], signals, 0) == {}


def test_who_votes_in_each_context() -> None:
    degrees = {1: 0.0, 2: 1.0, 3: 2.0, 4: 90.0, 5: 91.0, 6: 92.0, 7: 93.0}
    signals = of_patients({ecg: f"p{ecg}" for ecg in degrees})
    train = [asked(ecg, "yes" if ecg in (2, 3) else "no") for ecg in (2, 3, 4, 5, 6)]

    def says(context: Context) -> tuple[str, dict[str, float]]:
        vote = NeighboursVote(train, signals, Angles(degrees), 2, context=context, others={1: 7})  # type: ignore[arg-type]
        reply = vote.reply(asked(1, "yes"), (1,))
        assert reply is not None
        return reply.text, dict(reply.scores or {})

    assert says("nearest") == ("yes", {"yes": 1.0})
    assert says("none") == ("no", {"no": 0.6, "yes": 0.4})
    assert says("wrong") == ("no", {"no": 1.0})
    assert sum(says("random")[1].values()) == 1
    assert says("random") == says("random")


def outcome(question: Question, right: bool) -> Outcome:
    return Outcome(question, "s", f"p{question.ecgs[0]}", True, frozenset(), right, right, None)


def test_differences_are_paired_and_types_weigh_alike() -> None:
    verify = [asked(ecg, "no") for ecg in (1, 2, 3, 4)]
    choose = [replace(asked(9, "a"), type="single-choose")]
    found = {
        "nearest": [*(outcome(q, q.ecgs[0] != 4) for q in verify), outcome(choose[0], True)],
        "none": [*(outcome(q, q.ecgs[0] == 1) for q in verify), outcome(choose[0], False)],
        SWAPPED: [outcome(q, q.ecgs[0] == 4) for q in verify[2:]],
    }
    rows = {(r.metric, r.group): r for r in rows_of("s", found, seed=1)}
    assert rows["exact match, nearest", "single-verify"].value == 0.75
    assert rows["exact match, nearest", MEAN].value == (0.75 + 1) / 2
    assert rows["exact match, nearest less none", "single-verify"].value == 0.5
    assert rows["exact match, nearest less none", MEAN].value == 0.75
    assert rows[f"exact match, nearest less {SWAPPED}", "single-verify"].value == 0  # one won, one lost, of two
    assert rows[f"exact match, nearest less {SWAPPED}", "single-verify"].n == 2
    nobody_else = {c: o for c, o in found.items() if c != SWAPPED} | {SWAPPED: []}
    assert not any(SWAPPED in row.metric for row in rows_of("s", nobody_else, seed=1))


def test_a_language_model_is_asked_about_the_other_ecg_where_ecgs_are_swapped() -> None:
    class Model:
        name = "m"
        reads_ecg = True

        def __init__(self) -> None:
            self.prepared: list[tuple[str, tuple[int, ...]]] = []

        def reads_words(self, question: Question) -> bool:
            return False

        def prepare(self, puts: Sequence[Put], progress: Progress) -> None:
            self.prepared += [(q.key, ecgs) for q, ecgs in puts]

        def reply(self, question: Question, ecgs: tuple[int, ...]) -> Reply | None:
            return Reply("yes" if ecgs == (2,) else "no")

    questions = [asked(1, "yes"), asked(3, "no")]
    signals = of_patients({1: "p", 2: "q", 3: "r"})
    model = Model()
    system = Renamed(model, "m, another's ECG", {"test/1": (2,)})
    found = ask(system, questions, signals, classes_of([*questions, asked(2, "no")]))
    assert model.prepared == [("test/1", (2,)), ("test/3", (3,))]
    assert [(o.system, o.said) for o in found] == [(system.name, {"yes"}), (system.name, {"no"})]


def test_classes_of_built_questions_have_every_answer_and_every_choice() -> None:
    ranges = ("within the normal range of qt interval", "above the normal range of qt interval")
    questions = [asked(1, "yes"), asked(2, "no"), replace(asked(3, "none", "single-choose", ranges), template=2)]
    classes = classes_of(questions)
    assert classes.by_template == {1: ("no", "yes"), 2: ()}
    assert classes.options(questions[2]) == ("above the normal range", "within the normal range")


@pytest.mark.parametrize(
    ("options", "message"),
    [({"source": "built"}, "source is not known"), ({"questions": "mine"}, "built or published")],
)
def test_options_are_checked(tmp_path: Path, options: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ECGQA_CONTEXTS.run(Settings(tmp_path, options=options))


def test_data_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ptbxl_database\.csv"):
        ECGQA_CONTEXTS.run(Settings(tmp_path))


@pytest.mark.data
def test_published_questions_in_every_condition(few_ecgs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Flat:
        dim = 3
        fingerprint = "flat"

        def embed(self, recordings: list[Recording]) -> np.ndarray:
            rows = np.stack([r.lead("II")[:3] for r in recordings]) + 1
            return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    monkeypatch.setattr("precordia.encoders.load_encoder", lambda name: Flat())
    result = ECGQA_CONTEXTS.run(Settings(few_ecgs, limit=20, options={"questions": "published"}))
    systems = {s["system"] for s in result.samples}
    assert systems == {f"{name}, {c}" for name in ("neighbours' vote, k=10", JUDGEMENT) for c in (*CONTEXTS, SWAPPED)}
    assert max(r.n for r in result.rows) == 20
