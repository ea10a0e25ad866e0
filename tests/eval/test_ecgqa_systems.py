"""What answers ECG-QA without a language model, with one, and how both are asked and counted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from small_ecgqa import write_ecgs, write_small_ecgqa

from precordia.concepts import label_report
from precordia.core import drafts
from precordia.core.case import Case
from precordia.core.drafts import Draft, Prompt, PromptSize, Statement
from precordia.core.errors import InputError, UsageError
from precordia.core.findings import Measurements
from precordia.core.leads import LEADS
from precordia.core.protocols import LanguageModel
from precordia.core.recording import Quality, Recording
from precordia.core.retrieval import Hit, Why
from precordia.datasets.ecgqa.classes import Classes
from precordia.datasets.ecgqa.questions import Question
from precordia.eval.harness.task import Settings
from precordia.eval.tasks.ecgqa.contexts import CONTEXTS, Shown
from precordia.eval.tasks.ecgqa.figures import rows_of
from precordia.eval.tasks.ecgqa.language import Asked
from precordia.eval.tasks.ecgqa.majority import Usual
from precordia.eval.tasks.ecgqa.neighbours import NeighboursVote, RandomNeighbour
from precordia.eval.tasks.ecgqa.outcomes import ask, swap_ecgs
from precordia.eval.tasks.ecgqa.published_task import ECGQA
from precordia.eval.tasks.ecgqa.shipped import ASK, JUDGEMENT, Answered, in_short
from precordia.eval.tasks.ecgqa.system import Reply, said
from precordia.fitting.answers.archive import PRECEDENTS, Archive, HereArchive, Vectors
from precordia.fitting.answers.examined import Examined, examine
from precordia.fitting.answers.signals import Signals, find_signals
from precordia.generation.answers.fitted import shipped_for
from precordia.judgement.knowledge import Knowledge
from precordia.knowledge_base import KnowledgeBase

T = TypeVar("T")
CLASSES = Classes(("no", "yes", "a", "b"), {1: ("no", "yes"), 2: ("a", "b")})


def asked(
    ecg: int, *answer: str, number: int | None = None, kind: str = "single-verify", text: str = "Noise?"
) -> Question:
    template = 1 if kind.endswith("verify") else 2
    return Question(
        "train", ecg if number is None else number, template, 7, kind, "noise", text, frozenset(answer), (ecg,)
    )


class Compass:
    """An encoder that reads the direction from a recording's first two samples."""

    dim = 2
    fingerprint = "compass"

    def embed(self, recordings: Sequence[Recording]) -> np.ndarray:
        vectors = np.stack([r.signal[0, :2] for r in recordings])
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def signals_at(degrees: dict[int, float], patients: dict[int, str] | None = None) -> Signals:
    """ECGs that point somewhere; ECG n is of patient n unless said otherwise."""
    signals = Signals({ecg: Path() for ecg in degrees}, {}, patients or {}, dict.fromkeys(degrees, 1))
    for ecg, angle in degrees.items():
        row = np.zeros(5000, dtype=np.float32)
        row[:2] = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        recording = Recording(np.tile(row, (12, 1)), 500.0, LEADS, str(ecg), patient_id=signals.patient(ecg))
        signals._read[ecg], signals._reports[ecg] = recording, f"Report of {ecg}."
    return signals


def of_ecgs(question: Question) -> frozenset[str]:
    return frozenset(str(ecg) for ecg in question.ecgs)


def test_blind_goes_from_text_to_template_and_leaves_the_patient_out() -> None:
    train = [
        asked(1, "yes"),
        asked(2, "yes"),
        asked(3, "no"),
        asked(4, "no", text="Drift?"),
        asked(5, "no", text="Drift?"),
    ]
    blind = Usual("blind", train, of_ecgs, by_text=True)
    majority = Usual("majority", train, of_ecgs, by_text=False)

    def says(system: Usual, question: Question) -> str | None:
        reply = system.reply(question, question.ecgs)
        return reply.text if reply else None

    assert says(blind, asked(9, "no")) == "yes"
    assert says(majority, asked(9, "no")) == "no"
    assert says(blind, asked(9, "no", text="Never asked")) == "no"
    assert says(blind, asked(1, "yes")) == "no"  # one yes and one no are left: the first in alphabetical order
    assert says(blind, asked(9, "a", kind="single-query", text="Which?")) is None


def test_neighbours_vote_of_other_patients() -> None:
    degrees = {1: 0, 2: 2, 3: 4, 4: 90, 5: 92, 6: 94, 7: 1}
    signals = signals_at(degrees, {1: "p", 7: "p"})
    train = [asked(e, "yes" if e in (2, 3) else "no") for e in (2, 3, 4, 5, 6)] + [asked(7, "no")]
    vote = NeighboursVote(train, signals, Vectors(signals, Compass(), degrees), k=3)  # type: ignore[arg-type]
    question = asked(1, "yes", number=99)
    reply = vote.reply(question, (1,))
    assert reply is not None
    assert reply.text == "yes"  # 2, 3 and 4; 7 is nearer and of the same patient
    assert reply.scores == {"no": pytest.approx(1 / 3), "yes": pytest.approx(2 / 3)}
    other = vote.reply(question, (4,))
    assert other is not None
    assert other.text == "no"


def test_a_query_gets_every_class_of_most_neighbours() -> None:
    degrees = {e: float(e) for e in range(1, 5)}
    signals = signals_at(degrees)
    vectors = Vectors(signals, Compass(), degrees)
    train = [
        asked(2, "a", "b", kind="single-query"),
        asked(3, "a", kind="single-query"),
        asked(4, "none", kind="single-query"),
    ]
    reply = NeighboursVote(train, signals, vectors, k=3).reply(asked(1, "a", kind="single-query"), (1,))
    assert reply is not None
    assert reply.text == "a"
    nearest = NeighboursVote([train[2]], signals, vectors, k=3).reply(asked(1, "a", kind="single-query"), (1,))
    assert nearest == Reply("none", {})


def test_a_random_neighbour_is_of_another_patient_and_drawn_by_seed() -> None:
    signals = signals_at({1: 0, 2: 1, 3: 2}, {1: "p", 2: "p"})
    train = [asked(2, "yes"), asked(3, "no")]
    for seed in range(10):
        assert RandomNeighbour(train, signals, seed).reply(asked(1, "yes"), (1,)) == said({"no"})
    assert RandomNeighbour(train[:1], signals, 0).reply(asked(1, "yes"), (1,)) is None


def test_ecgs_are_swapped_between_patients_only() -> None:
    signals = signals_at({1: 0, 2: 0, 3: 0}, {1: "p", 2: "p", 3: "q"})
    swapped = swap_ecgs([asked(1, "no"), asked(2, "no"), asked(3, "no")], signals, seed=0)
    assert swapped["train/1"] == swapped["train/2"] == (3,)
    assert swapped["train/3"] in ((1,), (2,))
    assert swap_ecgs([asked(1, "no"), asked(2, "no")], signals, seed=0) == {}
    assert swapped == swap_ecgs([asked(1, "no"), asked(2, "no"), asked(3, "no")], signals, seed=0)


class Parity:
    """Says yes to ECGs of an even number; asked otherwise, says no."""

    name = "parity"
    reads_ecg = True

    def reads_words(self, question: Question) -> bool:
        return True

    def reply(self, question: Question, ecgs: tuple[int, ...]) -> Reply | None:
        return Reply("Yes" if ecgs[0] % 2 == 0 and question.text == "Noise?" else "No")


def test_both_tests_of_reading_and_the_figures() -> None:
    signals = signals_at({1: 0, 2: 0, 3: 0, 4: 0})
    questions = [asked(1, "no"), asked(2, "yes"), asked(3, "no"), asked(4, "no")]
    swapped = {"train/1": (2,), "train/2": (1,), "train/3": (1,)}
    reworded = {q.key: replace(q, text="Any noise?") for q in questions}
    outcomes = ask(Parity(), questions, signals, CLASSES, swapped=swapped, reworded=reworded)
    assert [o.corrected for o in outcomes] == [True, True, True, False]
    assert [o.other_ecg_same for o in outcomes] == [False, False, True, None]
    assert [o.other_words_same for o in outcomes] == [True, False, True, False]
    assert all(o.classifier is None for o in outcomes)
    rows = {(r.metric, r.group): r for r in rows_of(outcomes, seed=1)}
    assert rows["exact match", "single-verify"].value == 0.75
    assert rows["exact match", "attribute noise"].n == 4
    assert rows["exact match, another's ECG", "single-verify"].value == pytest.approx(1 / 3)
    assert rows["same answer, other wording", "single-verify"].value == 0.5
    assert rows["exact match, other wording", "single-verify"].value == 0.75
    assert not any("tokens" in metric or "time" in metric for metric, _ in rows)  # nobody counted
    counted = [
        replace(o, tokens_in=n, tokens_out=1, latency_s=n / 100)
        for o, n in zip(outcomes, (50, 70, 90, 110), strict=True)
    ]
    cost = {r.metric: (r.value, r.machine) for r in rows_of(counted, seed=1) if r.group == ""}
    assert cost == {
        "tokens of a prompt": (80, False),
        "tokens of a reply": (1, False),
        "time of a reply, s": (0.8, True),
    }


def test_the_macro_mean_weighs_types_alike() -> None:
    signals = signals_at(dict.fromkeys(range(1, 6), 0))
    many = [asked(e, "no") for e in (1, 3, 5)]
    one = replace(asked(2, "no", number=50), type="comparison_consecutive-verify")
    rows = {(r.metric, r.group): r.value for r in rows_of(ask(Parity(), [*many, one], signals, CLASSES), seed=1)}
    assert rows["exact match", "macro over 2 of 7 types"] == 0.5


def test_a_draft_in_short() -> None:
    def of(text: str) -> str:
        return in_short(Draft((Statement(text),)))

    assert (of("Yes: burst noise in V1."), of("None of them: no a."), of("Sinus rhythm.")) == (
        "yes",
        "none",
        "Sinus rhythm.",
    )
    assert of("Normal ECG.") == "Normal ECG."
    assert in_short(Draft((), abstained=True)) == "not sure"


class Parrot(LanguageModel):
    """Keeps the prompts that it is given."""

    name = "parrot"

    def __init__(self, size: PromptSize = "full") -> None:
        self.prompts: list[Prompt] = []
        self._size = size

    @property
    def prompt_size(self) -> PromptSize:
        return self._size

    def reply(self, prompt: Prompt) -> drafts.Reply:
        self.prompts.append(prompt)
        return drafts.Reply("A")


class Nothing(Examined):
    """No measurement, and a good signal."""

    def __init__(self, signals: Signals, archive: Archive) -> None:
        super().__init__(signals, archive=archive)
        self.measurements = lambda ecg: Measurements()
        self.quality = lambda ecg: Quality(1.0, True, {})


SAID = {0: "Atrial fibrillation.", 1: "Sinus rhythm.", 2: "Left bundle branch block."}
"""Reports by which the nearest of two ECGs, and a case drawn at random, are told apart."""


class Shelf:
    """Precedents that say whose they are."""

    def hits(self, ecg: int) -> list[Hit]:
        return [
            Hit(
                1,
                0.9,
                Case(100 + ecg, f"r{ecg}", f"other {ecg}", SAID[ecg], tuple(label_report(SAID[ecg]))),
                Why({}, {}),
            )
        ]

    def precedents(self, ecg: int, measurements: Callable[[int], Measurements]) -> list[Hit]:
        return self.hits(ecg)

    def random_hits(self, ecg: int, seed: int) -> list[Hit]:
        return [Hit(1, 0.1, Case(200, "r", "other", SAID[0], tuple(label_report(SAID[0]))), Why({}, {}))]

    def knowledge(self, measurements: Callable[[int], Measurements]) -> Knowledge:
        return Knowledge(0.25)


@pytest.mark.parametrize(
    ("context", "shown", "hidden"),
    [
        ("nearest", SAID[1], SAID[2]),
        ("none", "Question: Noise?", SAID[1]),
        ("random", SAID[0], SAID[1]),
        ("wrong", SAID[2], SAID[1]),
    ],
)
@pytest.mark.parametrize("size", ["full", "compact"])
def test_a_language_model_is_shown_the_options_and_the_chosen_precedents(
    context: str, shown: str, hidden: str, size: PromptSize
) -> None:
    assert context in CONTEXTS
    signals = signals_at({1: 0, 2: 0})
    model = Parrot(size)
    shown_archive = Shown(Shelf(), context, {1: 2})  # type: ignore[arg-type]
    system = Asked(model, CLASSES, Nothing(signals, shown_archive), context)
    reply = system.reply(asked(1, "a", kind="single-query"), (1,))
    text = model.prompts[0].messages[-1].content
    said = text.lower()  # a compact prompt states findings within a line
    assert reply == Reply("A")
    assert shown.lower() in said
    assert hidden.lower() not in said
    assert "Options: a, b, None" in text
    assert model.prompts[0].choices == ("a", "b", "None")
    assert "Report of 1." not in text  # what was written about the ECG itself
    system.reply(asked(1, "yes"), (1,))
    assert "Options: no, yes\n" in model.prompts[1].messages[-1].content


def test_what_was_fitted_on_an_ecg_does_not_answer_about_it() -> None:
    signals = signals_at({1: 0, 2: 0})
    examined = Nothing(signals, Shelf())
    fitted = Answered(examined, object())  # type: ignore[arg-type]
    assert fitted.name == ASK
    assert fitted.reply(asked(1, "yes"), (1,)) is None
    plain = Answered(examined)
    assert plain.name == JUDGEMENT
    assert plain.reply(asked(1, "yes"), (1,)) is not None


def test_every_system_takes_one_evidence_and_other_precedents_leave_the_rest_as_it_is() -> None:
    degrees = {1: 0.0, 2: 1.0, 3: 5.0, 4: 80.0}
    signals = signals_at(degrees)
    vectors = Vectors(signals, Compass(), degrees)
    examined = Examined(signals, vectors, Shelf())
    examined.measurements = lambda ecg: Measurements(heart_rate_bpm=60.0 + ecg)
    examined.quality = lambda ecg: Quality(1.0, True, {})
    evidence = examined.evidence(1)
    assert evidence is examined.evidence(1)
    assert examined.judgement(1).evidence is evidence
    assert evidence.vector is not None
    assert evidence.vector.tolist() == pytest.approx([1.0, 0.0])
    assert (evidence.measurements.heart_rate_bpm, evidence.knowledge.floor) == (61.0, 0.25)
    other = examined.beside(Shown(Shelf(), "none", {})).evidence(1)
    assert (other.hits, other.measurements, other.knowledge.floor) == ((), evidence.measurements, 0.25)
    alone = examined.beside(None).evidence(1)
    assert (alone.hits, alone.knowledge) != (evidence.hits, evidence.knowledge)


def test_the_ecgs_that_are_here_teach_as_those_of_a_knowledge_base_would() -> None:
    signals = signals_at({ecg: float(ecg) for ecg in range(1, 261)})
    for ecg in signals.paths:
        signals._reports[ecg] = "Left ventricular hypertrophy." if ecg > 130 else "Normal ECG."
    vectors = Vectors(signals, Compass(), signals.paths)
    measured: list[int] = []

    def measurements(ecg: int) -> Measurements:
        measured.append(ecg)
        return Measurements(qrs_ms=90.0)

    archive = HereArchive(signals, vectors)
    knowledge = archive.knowledge(measurements)
    assert archive.knowledge(measurements) is knowledge
    assert sorted(measured) == sorted(signals.paths)
    assert knowledge.floor == pytest.approx(np.cos(np.radians(1)), abs=1e-4)
    assert knowledge.models is not None
    assert knowledge.models.encoder == "compass"
    assert {"LVH", "NORM"} <= set(knowledge.models.concepts)
    few = signals_at({1: 0.0, 2: 1.0})
    untaught = HereArchive(few, Vectors(few, Compass(), [1, 2])).knowledge(measurements)
    assert untaught.models is None


def test_the_archive_here_leaves_the_patient_out_and_knows_the_reports() -> None:
    signals = signals_at({1: 0, 2: 1, 3: 5, 4: 80}, {1: "p", 2: "p"})
    archive = HereArchive(signals, Vectors(signals, Compass(), [1, 2, 3, 4]))  # type: ignore[arg-type]
    assert [hit.case.report for hit in archive.hits(1)] == ["Report of 3.", "Report of 4."]
    assert {hit.case.case_id for hit in archive.random_hits(1, 0)} == {3, 4}


def test_what_is_evaluated_is_what_users_get(tmp_path: Path) -> None:
    write_ecgs(tmp_path / "ptbxl", 8)
    kb = KnowledgeBase.create(tmp_path / "kb", encoder="default")
    kb.add(tmp_path / "ptbxl" / "records100")
    signals = find_signals("ptbxl", tmp_path, range(1, 9))
    examined, vectors, _ = examine(signals, "default", kb)
    ours, theirs = examined.evidence(3), kb.evidence(signals.recording(3), k=PRECEDENTS)
    assert [hit.case.case_id for hit in ours.hits] == [hit.case.case_id for hit in theirs.hits] != []
    assert ours.measurements == theirs.measurements
    assert ours.quality == theirs.quality
    assert ours.knowledge is theirs.knowledge
    assert ours.vector == pytest.approx(theirs.vector, abs=1e-5)
    fitted = shipped_for(vectors.encoder)
    assert fitted is not None
    signals.folds[3] = 9  # type: ignore[index]
    system = Answered(examined, fitted)
    for question in ("Is there atrial fibrillation?", "What rhythm does this ECG show?", "Is there noise in lead V1?"):
        asked_of_kb = kb.ask(question, signals.recording(3))
        reply = system.reply(asked(3, "no", text=question), (3,))
        assert reply == Reply(in_short(asked_of_kb)), question
    kb.manifest = replace(kb.manifest, encoder_fingerprint="other")
    with pytest.raises(InputError, match="built with encoder 'default'"):
        examine(signals, "default", kb)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scource": "ptbxl"}, "not known to ecgqa"),
        ({"source": "chapman"}, "source='chapman'"),
        ({"systems": "blind,oracle"}, "'oracle' is not known"),
        ({"k": "0"}, "k='0'"),
    ],
)
def test_options_are_checked(tmp_path: Path, options: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ECGQA.run(Settings(tmp_path, options=options))


def test_no_ecg_no_result(tmp_path: Path) -> None:
    folder = tmp_path / "ecgqa" / "ptbxl"
    (folder / "template" / "test").mkdir(parents=True)
    entry = {
        "template_id": 1, "question_id": 0, "sample_id": 0, "question_type": "single-verify", "attribute_type": "noise",
        "question": "Noise?", "answer": ["no"], "ecg_id": [5], "attribute": ["noise"],
    }  # fmt: skip
    (folder / "template" / "test" / "0.json").write_text(json.dumps([entry]))
    (folder / "answers.csv").write_text("index,class\n0,no\n1,yes\n")
    (folder / "answers_for_each_template.csv").write_text("template_id,classes\n1,\"['no', 'yes']\"\n")
    with pytest.raises(InputError, match="none of 1 questions has its ECGs here"):
        ECGQA.run(Settings(tmp_path))


def test_every_system_on_a_small_benchmark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_small_ecgqa(tmp_path)
    model = Parrot()
    monkeypatch.setattr("precordia.eval.tasks.ecgqa.language.load_language_model", lambda spec, settings: model)
    options = {"sample": "no", "contexts": "nearest,none,random,wrong"}
    result = ECGQA.run(Settings(tmp_path, llm="openai:parrot", options=options))
    right = {r.system: r.value for r in result.rows if (r.metric, r.group) == ("exact match", "single-verify")}
    assert right["majority of template"] == right["neighbours' vote, k=10"] == 0.75
    assert {s for s in right if s.startswith("parrot")} == {f"parrot, precedents: {context}" for context in CONTEXTS}
    assert right["parrot, precedents: nearest"] == 0  # it says "A"
    assert JUDGEMENT in right
    assert ASK not in right  # every ECG is of fold 1, whose labels it was fitted on
    assert not any(s.startswith("measurements") for s in right)
    assert result.notes[0].startswith("5 questions in the shards that are there; 4 have their ECGs here (4 ECGs)")
    assert {s["patient"] for s in result.samples} == {"71", "72", "73", "74"}
    with pytest.raises(InputError, match="and the 10% sample; choose"):
        ECGQA.run(Settings(tmp_path, llm="openai:parrot"))


def test_progress_is_shown_of_every_system_and_changes_nothing(tmp_path: Path) -> None:
    write_small_ecgqa(tmp_path)
    seen: list[tuple[str, int | None, int]] = []

    def watch(items: Iterable[T], total: int | None, label: str, unit: str = "ECG") -> Iterator[T]:
        found = list(items)
        seen.append((label, total, len(found)))
        yield from found

    options = {"sample": "no", "systems": "blind,neighbours"}
    result = ECGQA.run(Settings(tmp_path, options=options))
    watched = ECGQA.run(Settings(tmp_path, options=options, progress=watch))
    assert (watched.rows, watched.samples) == (result.rows, result.samples)
    assert seen == [("embed, 64 ECGs at a time", 1, 1), ("blind, same text", 4, 4), ("neighbours' vote, k=10", 4, 4)]


@pytest.mark.data
def test_the_task_on_a_few_published_questions(data_dir: Path) -> None:
    settings = Settings(data_dir, limit=30, options={"systems": "blind,majority,random,measurements"})
    result = ECGQA.run(settings)
    assert any("2294 have their ECGs here" in note for note in result.notes)
    assert any(note.startswith("Cannot be concluded: anything on single-choose") for note in result.notes)
    blind = [s for s in result.samples if s["system"] == "blind, same text"]
    assert len(blind) == 30
    assert len({s["sample"] for s in blind}) == 30
    assert len(result.data) == 10  # four shards in two wordings, two tables
    rows = {(r.system, r.metric, r.group) for r in result.rows}
    assert ("majority of template", "exact match", "macro over 2 of 7 types") in rows
    assert ("measurements", "same answer, another's ECG", "comparison_irrelevant-query") in rows
