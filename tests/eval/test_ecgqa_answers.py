"""ECG-QA's questions as the product reads them, what is fitted for them, and how the figures are made."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from precordia.cli.main import main
from precordia.core.case import Case
from precordia.core.errors import InputError, UsageError
from precordia.core.findings import Finding, Measurements
from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.core.retrieval import Hit, Why
from precordia.datasets.ecgqa.builder.build import build
from precordia.datasets.ecgqa.builder.facts import Facts
from precordia.datasets.ecgqa.builder.sampling import HELD_OUT, TRAIN
from precordia.datasets.ecgqa.builder.slots import Slot, slots
from precordia.datasets.ecgqa.questions import Question
from precordia.eval.tasks.ecgqa.built_figures import (
    ANSWERED_BESIDE,
    WRONG,
    WRONG_BESIDE,
    beaten,
    gaps,
    scores,
    withheld,
)
from precordia.eval.tasks.ecgqa.named import Named
from precordia.fitting.answers import weighing
from precordia.fitting.answers.examined import Examined
from precordia.fitting.answers.fit import fit, fit_as_weighed
from precordia.fitting.answers.ground import Ground
from precordia.fitting.answers.probing import Labelled
from precordia.fitting.answers.targets import GROUPS, NAMES, answer_in, asked_by, holds
from precordia.fitting.answers.weighing import Kept, Outcome, kept, outcomes
from precordia.generation.answers.decision import decide
from precordia.generation.answers.features import N_LEAD, N_NOISE, Features
from precordia.generation.answers.fitted import Belief, FittedAnswers, load, save
from precordia.generation.answers.priors import AskedBefore
from precordia.judgement.evidence import Evidence
from precordia.judgement.judge import Judgement, judge
from precordia.measurements.feature_vector import MEASURED_FROM, N_MEASURED

FACTS = Facts(
    7, "p", {"LVH": 100.0, "IMI": 50.0, "SR": 0.0, "INVT": 0.0}, {"static noise": frozenset({"V1", "V2"})},
    frozenset({"ventricular extrasystoles"}), frozenset({"old stage of myocardial infarction"}), "left axis deviation",
    form_leads={"INVT": frozenset({"V5", "V6"})},
)  # fmt: skip


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("LVH", True), ("LVH!", True), ("IMI", True), ("IMI!", False), ("CLBBB", False), ("MI", True), ("HYP", True),
        ("CDIST", False), ("any:finding", True), ("any:form", True), ("any:noise", True), ("any:beats", True),
        ("SNOISE", True), ("BDRIFT", False), ("SNOISE@V1", True), ("SNOISE@II", False), ("any:noise@V2", True),
        ("beats:PVC", True), ("beats:SVES", False), ("stage:old", True), ("stage:none", False), ("LAD", True),
        ("NAXIS", False), ("INVT@V5", True), ("INVT@V1", False), ("NORM", False), ("LOWT@V1", False),
    ],
)  # fmt: skip
def test_labels_say_which_targets_hold(target: str, expected: bool) -> None:
    assert holds(target, FACTS) is expected


def test_what_labels_leave_open_is_neither_true_nor_false() -> None:
    assert holds("LAD", Facts(1, "p")) is None
    assert holds("INVT@V1", Facts(1, "p", {"INVT": 0.0})) is None


def single(slot: Slot) -> bool:
    return not slot.template.compares and slot.template.attribute_type != "numeric_feature"


def test_every_single_question_is_read_as_what_it_asks() -> None:
    """All slots: the product's reader finds kind, options and lead from the words alone."""
    wrong = []
    for slot in filter(single, slots()):
        asked = asked_by(slot.text)
        if asked is None or asked.kind != slot.template.kind:
            wrong.append(slot.text)
            continue
        if asked.of:
            named = {NAMES[asked.of]}
        else:
            named = {NAMES.get(option.removesuffix("!"), option) for option in asked.options}
        subject = slot.template.subject
        # Some forms have no lead: they are offered, and never chosen, where leads are asked about.
        same = named >= set(slot.attributes) if subject == "form in lead" else named == set(slot.attributes)
        if not subject.startswith("any") and subject not in ("normal ecg", "stage") and not same:
            wrong.append(slot.text)
        if (asked.lead or "") != (slot.lead or "").removeprefix("lead "):
            wrong.append(slot.text)
        if slot.template.kind != "verify" and asked.options[0].endswith("!") != subject.endswith("certain"):
            wrong.append(slot.text)
    assert wrong == []


@pytest.mark.data
def test_published_paraphrases_are_read_as_the_questions_they_paraphrase(data_dir: Path) -> None:
    folder = data_dir / "ecgqa" / "ptbxl"
    pairs = set()
    for path in sorted((folder / "paraphrased").glob("*/*.json")):
        plain = {
            e["sample_id"]: e for e in json.loads((folder / "template" / path.parent.name / path.name).read_text())
        }
        for entry in json.loads(path.read_text()):
            if entry["question_type"].startswith("single"):
                pairs.add((entry["question"], plain[entry["sample_id"]]["question"]))
    assert len(pairs) > 200
    assert [words for words, question in sorted(pairs) if asked_by(words) != asked_by(question)] == []


RATE, QRS, DRIFT = 0, MEASURED_FROM.index("qrs_ms"), 2


def evidence(hits: tuple[Hit, ...]) -> Evidence:
    return Evidence(Recording(np.zeros((12, 10), np.float32), 500.0, LEADS, "r"), Measurements(), hits=hits)


def archive(n: int, first: int, seed: int) -> list[Labelled]:
    """ECGs whose labels show in one number each: LVH in the embedding, CLBBB in the QRS duration, noise in the leads."""
    rng = np.random.default_rng(seed)
    out = []
    for i in range(first, first + n):
        lvh, block, noisy = rng.random(3) < (0.3, 0.15, 0.25)
        codes = {"SR": 0.0, **({"LVH": 100.0} if lvh else {}), **({"CLBBB": 100.0} if block else {})}
        if not (lvh or block):
            codes["NORM"] = 100.0
        where = frozenset(LEADS[j] for j in range(12) if noisy and rng.random() < 0.5) or (
            frozenset({"V1"}) if noisy else frozenset()
        )
        measured = rng.normal(0, 1, N_MEASURED)
        measured[QRS] = (150 if block else 95) + rng.normal(0, 8)
        leads = rng.normal(0, 1, (12, N_LEAD))
        leads[:, 0] += [3.0 * (lead in where) for lead in LEADS]
        noise = rng.normal(0, 1, N_NOISE)
        noise[DRIFT] += 3.0 * noisy
        embedding = np.array([1.5 if lvh else -1.5, 0.0, 0.0]) + rng.normal(0, 0.6, 3)
        facts = Facts(i, f"p{i}", codes, {"static noise": where} if where else {}, axis="normal heart axis")
        out.append(Labelled(facts, Features(embedding, measured, noise, leads), evidence(())))
    return out


def with_precedents(held: list[Labelled], learn: list[Labelled]) -> list[Labelled]:
    """Those held back, each with its nearest among those that are learned from."""
    matrix = np.stack([one.features.embedding for one in learn])
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)

    def hits(one: Labelled) -> tuple[Hit, ...]:
        similarity = matrix @ (one.features.embedding / np.linalg.norm(one.features.embedding))
        order = np.argsort(-similarity, kind="stable")[:20].tolist()
        cases = [learn[i].facts for i in order]
        return tuple(
            Hit(rank, float(similarity[i]),
                Case(f.ecg_id, str(f.ecg_id), f.patient, "words", tuple(Finding(c) for c in f.codes)),
                Why({"signal": float(similarity[i])}, {"signal": rank}))
            for rank, (i, f) in enumerate(zip(order, cases, strict=True), 1)
        )  # fmt: skip

    return [replace(one, evidence=evidence(hits(one))) for one in held]


def questions_of(labelled: list[Labelled], split: str = "valid") -> list[Question]:
    caps = TRAIN if split == "train" else HELD_OUT
    return build([one.facts for one in labelled], split=split, caps=caps, wanted=single)


def belief_of(fitted: FittedAnswers, one: Labelled) -> Belief:
    return Belief(fitted, one.features, one.evidence)


Fit = tuple[FittedAnswers, dict[str, Kept], list[Labelled]]


@pytest.fixture(scope="module")
def found() -> Fit:
    learn = archive(300, 1, 1)
    held, test = (with_precedents(archive(200, first, seed), learn) for first, seed in ((1001, 2), (2001, 3)))
    fitted, kept_to = fit(
        learn, held, questions_of(learn, "train"), questions_of(held)[::4], encoder="e", source="made"
    )  # fmt: skip
    return fitted, kept_to, test


def test_what_was_fitted_answers_new_ecgs_better_than_the_commonest_answer(found: Fit) -> None:
    fitted, _, test = found
    beliefs = {one.facts.ecg_id: belief_of(fitted, one) for one in test}
    right: dict[str, list[tuple[bool, bool]]] = {}
    for question in build([one.facts for one in test], caps=HELD_OUT, wanted=single):
        asked = asked_by(question.text)
        assert asked is not None
        truth = answer_in(question, asked)
        prior = fitted.asked.prior(asked, fitted.prevalence)
        commonest = max(prior.items(), key=lambda item: (item[1], item[0]))[0] if prior else None
        right.setdefault(asked.kind, []).append(
            (decide(asked, beliefs[question.ecgs[0]]).answer == truth, commonest == truth)
        )
    for kind in ("verify", "choose", "query"):
        ours, guess = np.mean(right[kind], axis=0)
        assert ours > guess + 0.05, (kind, ours, guess)


def test_probabilities_mean_what_they_say(found: Fit) -> None:
    fitted, _, test = found
    pairs = [
        (belief_of(fitted, one).probability(target), bool(holds(target, one.facts)))
        for one in test
        for target in ("LVH", "CLBBB", "NORM", "SNOISE", "SNOISE@V1", "SNOISE@II")
    ]
    p, truth = np.array([p for p, _ in pairs]), np.array([t for _, t in pairs])
    assert abs(p.mean() - truth.mean()) < 0.05
    assert truth[p > 0.8].mean() > 0.7
    assert truth[p < 0.1].mean() < 0.15


def test_what_was_fitted_is_kept(found: Fit, tmp_path: Path) -> None:
    fitted, _, test = found
    save(fitted, tmp_path / "a.npz")
    again = load(tmp_path / "a.npz")
    assert again.least_confidence == fitted.least_confidence
    assert fitted.groups == GROUPS
    asked = asked_by("Does this ECG show symptoms of left ventricular hypertrophy?")
    assert asked is not None
    assert decide(asked, belief_of(fitted, test[0])).answer == decide(asked, belief_of(again, test[0])).answer


def test_the_promise_is_kept_on_ecgs_that_nothing_was_fitted_on(found: Fit) -> None:
    fitted, kept_to, test = found
    assert set(kept_to) == {"verify", "choose", "query"}
    assert set(fitted.least_confidence) == {key for kind in kept_to for key in (kind, f"{kind}, disturbance")}
    answers = outcomes(fitted, test, questions_of(test))
    for kind in kept_to:
        given = [o.right for o in answers if o.kind == kind and o.confidence >= fitted.least_confidence[o.key]]
        assert given, kind
        assert 1 - np.mean(given) <= fitted.risk[kind], kind


def test_no_answer_that_thresholds_are_chosen_on_comes_of_its_own_patient(
    found: Fit, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted, _, test = found
    fitted_on: list[set[str]] = []
    judged: list[set[str]] = []

    def confident(
        learned: FittedAnswers, learn: Sequence[Labelled], held: Sequence[Labelled], questions: Sequence[Question]
    ) -> FittedAnswers:
        fitted_on.append({one.facts.patient for one in held})
        return learned

    def outcomes_of(fitted: FittedAnswers, held: Sequence[Labelled], questions: Sequence[Question]) -> list[Outcome]:
        judged.append({one.facts.patient for one in held})
        return outcomes(fitted, held, questions)

    monkeypatch.setattr(weighing, "_confident", confident)
    monkeypatch.setattr(weighing, "outcomes", outcomes_of)
    weighing.weigh(fitted, [], test, questions_of(test)[::10])
    everyone = {one.facts.patient for one in test}
    assert len(judged) == weighing.PARTS
    assert all(not own & rest and own | rest == everyone for own, rest in zip(judged, fitted_on, strict=False))
    assert set.union(*judged) == everyone
    assert fitted_on[-1] == everyone  # what is shipped rests on all of them


def test_a_threshold_is_tried_on_a_part_that_it_was_not_chosen_on() -> None:
    def part(number: int, right: bool) -> list[Outcome]:
        return [Outcome("verify", 0.9, right, f"p{number}-{i}", number) for i in range(100)]

    good = [o for number in range(3) for o in part(number, True)]
    assert kept("verify", good).risk == 0
    assert kept("verify", good).coverage == 1
    # A part that is always wrong forbids the threshold to the others, and is itself answered by theirs.
    found = kept("verify", [*good, *part(3, False)])
    assert (found.coverage, found.risk, found.n) == (0.25, 1.0, 400)


def test_disturbances_have_a_threshold_of_their_own() -> None:
    def part(key: str, confidence: float, wrong: int) -> list[Outcome]:
        return [Outcome("verify", confidence, i >= wrong, f"{key}-{i}", i % 4, key) for i in range(200)]

    found = [*part("verify", 0.8, 4), *part("verify, disturbance", 0.8, 80), *part("verify, disturbance", 0.95, 4)]
    least = weighing._thresholds(found)
    assert least["verify"] == 0.8
    assert least["verify, disturbance"] == 0.95
    assert kept("verify", found).risk < 0.1


def test_what_is_learned_from_more_ecgs_is_weighed_as_before(found: Fit) -> None:
    weighed, _, test = found
    learn = archive(200, 5001, 7)
    fitted = fit_as_weighed(learn, questions_of(learn, "train"), weighed, encoder="other", source="more")
    assert (fitted.encoder, fitted.source) == ("other", "more")
    for name in ("trust", "sharpness", "curves", "least_confidence", "risk"):
        assert getattr(fitted, name) == getattr(weighed, name)
    assert not np.array_equal(fitted.probes.bias, weighed.probes.bias)
    assert "SNOISE" in fitted.lead_probes.targets
    assert belief_of(fitted, test[0]).probability("SNOISE@V1") != belief_of(weighed, test[0]).probability("SNOISE@V1")


def test_an_answer_of_the_judgement_instead_is_told_apart_from_what_is_promised(
    found: Fit, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted, _, test = found
    question = next(q for q in questions_of(test) if q.type == "single-query" and "rhythm" in q.text)
    asked, one = asked_by(question.text), next(one for one in test if one.facts.ecg_id == question.ecgs[0])
    assert asked is not None
    never = replace(fitted, asked=AskedBefore.of([(asked, ())] * 500), sharpness={})
    measured = Measurements(heart_rate_bpm=70.0, rhythm_regularity="regular")
    judgement = judge(replace(one.evidence, measurements=measured, vector=np.array([1.0, 0.0], np.float32)))
    read: list[str] = []

    def numbers(recording: Recording, measurements: Measurements, vector: np.ndarray) -> Features:
        read.append(recording.recording_id)
        return one.features

    monkeypatch.setattr("precordia.generation.answers.answer.features_of", numbers)
    examined = Examined(None)  # type: ignore[arg-type]
    examined.judgement = lambda ecg: judgement
    instead = Named(examined, fitted=never).reply(question, question.ecgs)
    likeliest = Named(examined, fitted=never, abstain=False).reply(question, question.ecgs)
    assert instead is not None
    assert likeliest is not None
    assert (instead.text, instead.promised) == ("sinus rhythm", False)
    assert (likeliest.text, likeliest.promised) == ("none", True)
    assert read == ["r"]  # once of the same evidence


def test_questions_about_two_ecgs_are_answered_in_ecg_qas_words() -> None:
    def judged(*concepts: str) -> Judgement:
        hits = [
            Hit(
                i,
                0.9,
                Case(i, f"r{i}", f"p{i}", "words", tuple(Finding(c, span=(0, 5)) for c in concepts)),
                Why({"signal": 0.9}),
            )
            for i in range(1, 6)
        ]
        signal = np.zeros((12, 5000), np.float32)
        return judge(Evidence(Recording(signal, 500.0, LEADS, "q"), Measurements(), hits=tuple(hits)))

    examined = Examined(None)  # type: ignore[arg-type]
    before, after = judged("SR"), judged("AFIB", "LVH")
    examined.judgement = lambda ecg: before if ecg == 1 else after
    asked = {
        slot.text: slot
        for slot in slots()
        if slot.template.compares and slot.template.attribute_type == "scp_code" and "first ECG" in slot.text
    }

    def reply(text: str, *ecgs: int) -> str:
        template = asked[text].template
        question = Question(
            "test", 1, template.template_id, 1, template.question_type, "scp_code", text, frozenset({"?"}), ecgs
        )
        found = Named(examined).reply(question, ecgs)
        assert found is not None
        assert not found.promised
        return found.text

    new = "Is atrial fibrillation newly detected in the second ECG as compared to the first ECG?"
    listed = "What symptoms are newly detected in the second ECG as compared to the first ECG?"
    assert (reply(new, 1, 2), reply(new, 2, 1)) == ("yes", "no")
    assert reply(listed, 1, 2) == "atrial fibrillation, left ventricular hypertrophy"
    assert reply(listed, 2, 1) == "sinus rhythm"
    assert reply(listed, 1, 1) == "none"


def test_too_few_ecgs_are_refused() -> None:
    with pytest.raises(InputError, match="5 ECGs held back: too few"):
        fit(archive(200, 1, 1), archive(5, 1000, 2), [], [], encoder="e", source="s")
    with pytest.raises(InputError, match="20 ECGs to learn from: too few"):
        fit(archive(20, 1, 1), archive(50, 1000, 2), [], [], encoder="e", source="s")


@pytest.mark.parametrize("folds", [{9}, {0, 8}, set(), set(range(1, 9))])
def test_folds_held_back_are_some_of_those_to_train_on(folds: set[int]) -> None:
    ground = Ground(None, None, [], 1)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="give some of folds 1-8"):
        ground.held_back(folds)


def test_a_setting_that_the_task_does_not_have_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "ecgqa-built", "--set", "fit=answers.npz"]) == 2
    assert "no setting fit (choices: axis, check, features, out)" in capsys.readouterr().err


def sample(
    name: str,
    system: str,
    right: bool,
    *,
    abstained: bool = False,
    patient: str = "a",
    spread: bool = True,
    promised: bool = True,
) -> Mapping[str, object]:
    return {
        "sample": name, "system": system, "patient": patient, "template": 1, "type": "single-verify", "attribute": "scp_code",
        "answer": "yes", "spread": spread, "abstained": abstained, "promised": promised, "right": right,
        "right_as_published": right,
    }  # fmt: skip


def test_gaps_are_paired_by_question() -> None:
    ours = [sample(str(i), "ours", i < 9, patient=str(i)) for i in range(10)]
    guess = [sample(str(i), "guess", i >= 9, patient=str(i)) for i in reversed(range(10))]
    rows = gaps([*ours, *guess], "ours", ("guess",), seed=1)
    row = next(r for r in rows if r.metric == "exact match, less guess")
    assert row.value == pytest.approx(0.8)
    assert row.low is not None
    assert 0 < row.low < 0.8
    assert "exact match, less guess: above zero in single-verify" in beaten(rows)
    flat = gaps(
        [*ours, *(sample(str(i), "guess", i < 9, patient=str(i)) for i in range(10))], "ours", ("guess",), seed=1
    )
    assert "above zero in none; not shown in single-verify" in beaten(flat)


def test_coverage_and_risk_count_what_is_answered() -> None:
    given = [sample(str(i), "may", i != 0, patient=str(i)) for i in range(6)]
    not_given = [sample(str(i), "may", False, abstained=True, patient=str(i)) for i in range(6, 8)]
    coverage, risk = withheld([*given, *not_given], "may", {"verify": 0.1}, seed=1)
    assert coverage.value == pytest.approx(6 / 8)
    assert risk.value == pytest.approx(1 / 6)
    assert (risk.goal, risk.at_least) == (0.1, False)
    beside = [sample(str(i), "may", i == 8, promised=False, patient=str(i)) for i in range(8, 12)]
    rows = {row.metric: row for row in withheld([*given, *not_given, *beside], "may", {"verify": 0.1}, seed=1)}
    assert rows[WRONG].value == pytest.approx(1 / 6)
    assert rows[ANSWERED_BESIDE].value == pytest.approx(4 / 12)
    assert (rows[WRONG_BESIDE].value, rows[WRONG_BESIDE].goal) == (pytest.approx(3 / 4), None)


def test_scores_tell_the_even_part_from_all_questions() -> None:
    samples = [sample("1", "s", True), sample("2", "s", False), sample("3", "s", False, spread=False)]
    found = {(r.metric, r.group): r.value for r in scores(samples, ["s"], seed=1)}
    assert found["exact match", "single-verify"] == pytest.approx(1 / 2)
    assert found["exact match, every question", "single-verify"] == pytest.approx(1 / 3)
    assert found["exact match, every question", "template 1, verify: statement"] == pytest.approx(1 / 3)
