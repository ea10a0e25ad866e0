"""What is said: nothing without something to point at, nothing against a number that defines it, nothing twice."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from precedents import VECTOR, WORDS, judged, models_that_say, precedent, query_recording

from precordia.core.findings import Measurements
from precordia.core.recording import Quality
from precordia.core.retrieval import Hit
from precordia.generation.answers.answer import answer
from precordia.generation.answers.certainty import View
from precordia.generation.reports.composer import compose
from precordia.judgement.judge import HARMLESS, TOLD, Judgement, judge
from precordia.judgement.measured import MEASURES
from precordia.judgement.models import Promise, Recorders
from precordia.judgement.reconcile import exclusions, most_specific
from precordia.judgement.votes import lineage
from precordia.signals.kind import KINDS

ORDINARY = Measurements(
    heart_rate_bpm=72.0, p_ms=100.0, pr_ms=160.0, qrs_ms=92.0, qt_ms=390.0, qtc_ms=420.0, axis_deg=40.0
)


def said(judgement: Judgement) -> list[str]:
    return [standing.concept for standing in judgement.said]


def five(*concepts: str, **more: tuple[str, ...]) -> list[Hit]:
    return [precedent(i, *concepts, **more) for i in range(1, 6)]  # type: ignore[arg-type]


def test_a_normal_ecg_is_said_beside_sinus_rhythm_and_ordinary_numbers() -> None:
    assert said(judged(five("SR", "NORM"), ORDINARY)) == ["SR", "NORM"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("pr_ms", 215.0), ("qrs_ms", 118.0), ("qtc_ms", 475.0), ("axis_deg", -50.0), ("heart_rate_bpm", 104.0), ("p_ms", 140.0)],
)  # fmt: skip
def test_normal_is_not_said_beside_a_number_out_of_range(name: str, value: float) -> None:
    judgement = judged(five("SR", "NORM"), replace(ORDINARY, **{name: value}))
    assert "NORM" not in said(judgement)
    assert any(note.startswith("Normal ECG") and "left out" in note for note in judgement.notes)


def test_normal_is_not_said_beside_what_must_not_be_missed() -> None:
    judgement = judged(five("SR", "NORM"), replace(ORDINARY, n_lone_p=3))
    assert [concern.concept for concern in judgement.concerns] == ["HAVB"]
    assert said(judgement) == ["SR"]
    assert any("second degree or high-grade AV block to consider speaks against it" in note for note in judgement.notes)


def test_a_p_wave_longer_by_no_more_than_the_error_of_measuring_it_forbids_no_normal() -> None:
    assert "NORM" in said(judged(five("SR", "NORM"), replace(ORDINARY, p_ms=135.0)))
    assert "NORM" not in said(judged(five("SR", "NORM"), replace(ORDINARY, p_ms=136.0)))


def test_the_range_of_qtc_is_that_of_the_patients_sex() -> None:
    long = replace(ORDINARY, qtc_ms=455.0)
    man, woman = (replace(query_recording(1.0), sex=sex) for sex in ("M", "F"))
    assert "NORM" not in said(judged(five("SR", "NORM"), long, recording=man))
    assert "NORM" in said(judged(five("SR", "NORM"), long, recording=woman))


@pytest.mark.parametrize("concept", ["IMI", "CLBBB", "CRBBB", "3AVB", "AFIB", "LVH"])
def test_normal_pushes_out_no_infarction_no_block_no_fibrillation(concept: str) -> None:
    hits = [precedent(i, *(["NORM"] if i < 4 else [concept])) for i in range(1, 6)]
    models = models_that_say(NORM=0.9, **{concept: 0.6})
    judgement = judged(hits, ORDINARY, vector=VECTOR, models=models)
    assert concept in said(judgement)
    assert "NORM" not in said(judgement)


def test_a_more_probable_normal_pushes_out_a_slight_abnormality() -> None:
    hits = [precedent(i, *(["NORM"] if i < 4 else ["NST_"])) for i in range(1, 6)]
    judgement = judged(hits, ORDINARY, vector=VECTOR, models=models_that_say(NORM=0.9, NST_=0.4))
    assert said(judgement) == ["NORM"]
    assert any("a normal ECG is more probable (90%)" in note for note in judgement.notes)
    other = judged(hits, ORDINARY, vector=VECTOR, models=models_that_say(NORM=0.4, NST_=0.9))
    assert said(other) == ["NST_"]


@pytest.mark.parametrize(
    ("concept", "speaking", "name", "value"),
    [("SBRAD", "SBRAD", "heart_rate_bpm", 84.0), ("STACH", "STACH", "heart_rate_bpm", 70.0), ("LAD", "LAD", "axis_deg", 50.0)],
)  # fmt: skip
def test_a_measurement_that_defines_a_finding_decides(concept: str, speaking: str, name: str, value: float) -> None:
    for models in (None, models_that_say(**{concept: 0.95})):
        judgement = judged(five("SR", speaking), replace(ORDINARY, **{name: value}), vector=VECTOR, models=models)
        assert concept not in said(judgement)
        assert judgement.standing(concept).ruled_out
    shown = judged(five("SR"), replace(ORDINARY, axis_deg=-60.0))
    assert "LAD" in said(shown)


@pytest.mark.parametrize(("rr_sd_ms", "is_said"), [(8.0, False), (24.0, False), (120.0, True)])
def test_fibrillation_is_never_said_of_regular_beats(rr_sd_ms: float, is_said: bool) -> None:
    measured = replace(ORDINARY, p_ms=None, pr_ms=None, rr_sd_ms=rr_sd_ms)
    for models in (None, models_that_say(AFIB=0.97)):
        judgement = judged(five("AFIB"), measured, vector=VECTOR, models=models)
        assert ("AFIB" in said(judgement)) == is_said
        assert is_said or any("RR standard deviation" in note for note in judgement.notes)


def test_pacing_and_left_bundle_branch_block_leave_unsaid_what_they_make_meaningless() -> None:
    unreadable = ("IMI", "LVH", "NST_", "LAD", "CLBBB")
    paced = judged(five("SR", *unreadable), Measurements(paced=True))
    assert said(paced) == ["PACE", "SR"]
    assert any("the shape of the QRS complex makes it meaningless" in note for note in paced.notes)
    blocked = judged(five("SR", "CLBBB", "NST_", "IMI", "PVC"))
    assert not {"NST_", "IMI"} & set(said(blocked))
    assert "CLBBB" in said(blocked)
    assert {"NST_", "IMI"} <= set(said(judged(five("SR", "NST_", "IMI"))))


def test_a_slow_sinus_rhythm_is_one_finding() -> None:
    judgement = judged(five("SR"), Measurements(heart_rate_bpm=44.0, rhythm_regularity="regular"))
    assert said(judgement) == ["SBRAD"]
    (slow,) = judgement.said
    assert slow.measurements == ("heart_rate_bpm",)
    assert slow.vote.agreeing
    assert judgement.standing("SBRAD") is slow
    assert said(judged(five("SR"), Measurements(heart_rate_bpm=130.0))) == ["STACH"]


def test_of_two_rhythms_the_more_probable_is_said() -> None:
    hits = [precedent(i, "AFIB" if i < 4 else "SR") for i in range(1, 6)]
    judgement = judged(hits, Measurements(rhythm_regularity="irregular", rr_sd_ms=150.0))
    assert said(judgement) == ["AFIB"]
    assert any("contradicts" in note for note in judgement.notes)


def test_what_no_precedent_states_and_no_measurement_shows_is_not_said() -> None:
    models = models_that_say(SR=0.9, AFIB=0.02, CRBBB=0.99)
    judgement = judged(five("SR"), ORDINARY, vector=VECTOR, models=models)
    assert said(judgement) == ["SR"]
    assert judgement.standing("CRBBB").probability == pytest.approx(0.99)
    assert not judgement.standing("CRBBB").borne_out


def test_one_precedent_alone_says_nothing_without_a_model() -> None:
    lone = [precedent(1, "IMI", similarity=0.9), *(precedent(i, "SR", similarity=0.5) for i in (2, 3))]
    assert "IMI" not in said(judged(lone))
    assert "IMI" in said(judged(lone, vector=VECTOR, models=models_that_say(IMI=0.8)))


def test_numbers_measured_with_little_confidence_decide_nothing() -> None:
    unsure = replace(ORDINARY, heart_rate_bpm=84.0, confidence={"heart_rate_bpm": 0.2})
    assert "SBRAD" in said(judged(five("SBRAD"), unsure))
    assert "SBRAD" not in said(judged(five("SBRAD"), replace(unsure, confidence={"heart_rate_bpm": 0.9})))
    slow = replace(ORDINARY, heart_rate_bpm=40.0, confidence={"heart_rate_bpm": 0.2})
    assert said(judged(five("SR"), slow)) == ["SR"]
    long = replace(ORDINARY, qtc_ms=512.0, confidence={"qtc_ms": 0.2})
    assert said(judged(five("SR", "NORM"), long)) == ["SR", "NORM"]


def test_what_is_said_without_possible_keeps_to_the_promise() -> None:
    def status(promise: Promise) -> str:
        models = models_that_say(promise, LVH=0.7)
        return judged(five("LVH"), vector=VECTOR, models=models).said[0].finding.status

    assert status(Promise(0.2, 0.65, 0.5, 500, 200)) == "present"
    assert status(Promise(0.2, 0.75, 0.5, 500, 200)) == "uncertain"
    assert status(Promise(0.2, withdrawn="too few")) == "present"


@pytest.mark.parametrize(
    "thin", [{"quality": Quality(0.1, False, {})}, {"floor": 0.99}, {"min_precedents": 9}], ids=["signal", "far", "few"]
)
def test_a_judgement_that_claims_nothing_still_has_concerns(thin: dict[str, object]) -> None:
    tall = Measurements(t_mv={"V2": 1.2, "V3": 1.3}, t_width_ms={"V2": 70.0, "V3": 72.0})
    judgement = judged(five("SR", "VT"), tall, **thin)
    assert judgement.said == ()
    assert judgement.reason
    assert {"HYPERK", "VT"} <= {concern.concept for concern in judgement.concerns}


NUMBER = st.one_of(st.none(), st.floats(1, 700))
MEASURED = st.builds(
    Measurements,
    heart_rate_bpm=st.one_of(st.none(), st.floats(20, 250)),
    rr_sd_ms=st.one_of(st.none(), st.floats(0, 300)),
    rhythm_regularity=st.sampled_from([None, "regular", "irregular"]),
    p_ms=NUMBER,
    pr_ms=NUMBER,
    qrs_ms=NUMBER,
    qtc_ms=NUMBER,
    axis_deg=st.one_of(st.none(), st.floats(-179, 180)),
    paced=st.sampled_from([None, False, True]),
)
HITS = st.lists(
    st.builds(
        lambda i, concepts, possible: precedent(i, *concepts, possible=tuple(possible)),
        st.integers(1, 10**6),
        st.lists(st.sampled_from(sorted(WORDS)), unique=True, min_size=1, max_size=4),
        st.lists(st.sampled_from(sorted(WORDS)), unique=True, max_size=1),
    ),
    min_size=3,
    max_size=6,
    unique_by=lambda hit: hit.case.case_id,
)
CHANCES = st.dictionaries(st.sampled_from(sorted(WORDS)), st.floats(0.01, 0.99), max_size=8)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(HITS, MEASURED, CHANCES)
def test_whatever_the_evidence_a_judgement_hangs_together(
    hits: list[Hit], measured: Measurements, chances: dict[str, float]
) -> None:
    models = models_that_say(**chances) if chances else None
    judgement = judged(hits, measured, vector=VECTOR, models=models)
    concepts = said(judgement)
    assert (judgement.reason is None) == bool(concepts)
    # Nothing twice, and nothing that excludes another.
    assert len(concepts) == len(set(concepts))
    assert most_specific(concepts) == concepts
    assert not {pair for pair in exclusions(concepts) if "NORM" not in pair}
    if "NORM" in concepts:
        assert not judgement.concerns
        assert all(lineage(concept) & HARMLESS for concept in concepts)
        for name in TOLD:
            value = getattr(measured, name)
            assert value is None or not MEASURES[name].is_outside(value, judgement.evidence.recording.sex)
    for standing in judgement.said:
        assert standing.borne_out
        assert not standing.ruled_out
        assert standing.vote.agreeing or standing.measurements
        assert judgement.standing(standing.concept) is standing


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(HITS, MEASURED, CHANCES)
def test_an_answer_never_disagrees_with_the_report(
    hits: list[Hit], measured: Measurements, chances: dict[str, float]
) -> None:
    judgement = judged(hits, measured, vector=VECTOR, models=models_that_say(**chances) if chances else None)
    view = View(judgement)
    for standing in judgement.said:
        assert view.is_there(judgement.asked(standing.concept)) is not False
    implied = {ancestor for standing in judgement.said for ancestor in lineage(standing.concept)}
    for concept in sorted(set(WORDS) - implied):
        standing = judgement.asked(concept)
        assert view.is_there(standing) is not True or standing.measurements


@given(HITS, MEASURED)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_same_evidence_is_judged_the_same_in_any_order(hits: list[Hit], measured: Measurements) -> None:
    assert judged(hits, measured).said == judged(hits[::-1], measured).said


def test_what_is_ruled_out_does_not_come_back_as_something_more_general() -> None:
    regular = Measurements(heart_rate_bpm=72.0, rr_ms=833.0, rr_sd_ms=8.0, rhythm_regularity="regular")
    found = judged([precedent(i, "AFIB") for i in range(1, 6)], regular)
    assert not {"AFIB", "AFAFL", "SVARR"} & {s.concept for s in found.said}


def test_without_p_waves_an_irregular_rhythm_is_not_the_sinus_nodes() -> None:
    hits = [precedent(i, "AFIB" if i < 4 else "SR") for i in range(1, 6)]
    models = models_that_say(SR=0.6, AFIB=0.4)
    seen = Measurements(rhythm_regularity="irregular", rr_sd_ms=90.0)
    assert said(judged(hits, seen, vector=VECTOR, models=models)) == ["AFIB"]
    assert said(judged(hits, replace(seen, p_ms=100.0), vector=VECTOR, models=models)) == ["SR"]


def test_of_a_recorder_that_the_archive_does_not_know_nothing_is_promised() -> None:
    models = replace(models_that_say(LVH=0.9), recorders=Recorders(known=("device: A", "fs: 500 Hz")))
    known = query_recording(1.0)
    promised, foreign = (
        judged(five("LVH"), vector=VECTOR, models=models, recording=ecg) for ecg in (known, replace(known, device="B"))
    )
    assert promised.said[0].calibrated
    assert not foreign.said[0].calibrated
    assert any("Nothing is promised" in note for note in foreign.notes)
    assert not any("Nothing is promised" in note for note in promised.notes)


def test_where_the_recorder_is_unknown_a_rate_of_54_is_a_bradycardia() -> None:
    models = replace(models_that_say(SR=0.9, BRADY=0.1), recorders=Recorders(known=("device: A", "fs: 500 Hz")))
    known = query_recording(1.0)
    for ecg, rate, told in (
        (known, 54.0, "SR"),
        (replace(known, device="B"), 54.0, "SBRAD"),
        (replace(known, device="B"), 59.0, "SR"),
    ):
        slow = Measurements(heart_rate_bpm=rate, rr_ms=60_000 / rate)
        assert said(judged(five("SR"), slow, vector=VECTOR, models=models, recording=ecg)) == [told]


@pytest.mark.parametrize(
    ("device", "mv_ms", "sure", "told"),
    [
        ("B", 4.5, 0.9, ["SR", "LAO/LAE"]),
        ("B", 3.5, 0.9, ["SR", "NORM"]),
        ("B", 4.5, 0.4, ["SR", "NORM"]),
        ("A", 4.5, 0.9, ["SR", "NORM"]),
    ],
)
def test_where_the_recorder_is_unknown_a_p_wave_that_ends_deep_in_v1_may_be_a_large_atrium(
    device: str, mv_ms: float, sure: float, told: list[str]
) -> None:
    known = Recorders(known=("device: A", "fs: 500 Hz"))
    models = replace(models_that_say(**{"SR": 0.9, "NORM": 0.6, "LAO/LAE": 0.03}), recorders=known)
    deep = replace(ORDINARY, p_terminal_v1_mv_ms=mv_ms, confidence={"p_terminal_v1_mv_ms": sure})
    ecg = replace(query_recording(1.0), device=device)
    judgement = judged(five("SR", "NORM"), deep, vector=VECTOR, models=models, recording=ecg)
    assert said(judgement) == told
    if told[-1] == "LAO/LAE":
        atrium = compose(judgement).statements[-1]
        assert atrium.text == "Possible left atrial enlargement."
        assert atrium.measurements == ("p_terminal_v1_mv_ms",)


def test_drawn_leads_are_evidence_of_no_infarction_no_st_change_and_no_voltage() -> None:
    hits = five("SR", "IMI", "LVH", "NST_")
    models = models_that_say(SR=0.9, IMI=0.95, LVH=0.95, NST_=0.95)
    whole = judged(hits, ORDINARY, vector=VECTOR, models=models)
    drawn = replace(query_recording(1.0), inferred_leads=("V1", "V2", "V3", "V4", "V5", "V6"))
    judgement = judged(hits, ORDINARY, vector=VECTOR, models=models, recording=drawn)
    assert {"IMI", "LVH", "NST_"} <= set(said(whole))
    assert not {"IMI", "LVH", "NST_", "MI", "HYP"} & set(said(judgement))
    assert "SR" in said(judgement)
    assert any("V6 were drawn by a model" in note for note in judgement.notes)
    assert judgement.standing("IMI").ruled_out


def test_what_a_kind_of_signal_cannot_show_is_never_said() -> None:
    hits = five("IMI", "LVH", "AFIB", "NORM")
    whole = judged(hits, replace(ORDINARY, rhythm_regularity="irregular", p_ms=None))
    assert {"IMI", "AFIB"} <= set(said(whole))
    partial = judge(replace(whole.evidence, kind=KINDS.get("one_lead")))
    assert said(partial) == ["AFIB"]
    standing = partial.standing("IMI")
    assert standing.ruled_out
    assert View(partial).is_there(standing) is None
    assert not any(concern.concept in ("STEMI", "ACMI") for concern in partial.concerns)
    texts = compose(partial).text
    assert "infarct" not in texts.lower()


def test_a_question_for_what_cannot_be_shown_is_declined_and_not_denied() -> None:
    whole = judged(five("SR"), ORDINARY)
    partial = judge(replace(whole.evidence, kind=KINDS.get("one_lead")))
    draft = answer("Is there an infarction?", [partial])
    assert draft.abstained
    assert "cannot be told from this signal" in (draft.reason or "")
    assert not answer("Is there atrial fibrillation?", [partial]).abstained
