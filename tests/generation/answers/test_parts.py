"""Parts of an ECG, absences and names for numbers: answered as measured and said, with yes and no the right way round."""

from __future__ import annotations

from dataclasses import replace

import pytest
from precedents import judged, precedent

from precordia.core.drafts import Draft
from precordia.core.findings import Measurements
from precordia.generation.answers.answer import answer
from precordia.generation.answers.away import is_named

HITS = [precedent(i, "SR", denied=("AFIB", "MI"), similarity=0.97 - i / 100) for i in range(1, 6)]
MEASURED = Measurements(
    heart_rate_bpm=72.0,
    p_ms=100.0,
    pr_ms=160.0,
    qrs_ms=90.0,
    qtc_ms=430.0,
    axis_deg=20.0,
    rhythm_regularity="regular",
    st_j60_mv={"II": 0.02, "V1": 0.0, "V2": 0.05},
    t_mv={"II": 0.2, "V2": 0.3, "V5": 0.2},
    s_mv={"V1": 1.5},
    r_mv={"V5": 2.2},
    criteria={"sokolow_lyon_lvh": True},
    n_spikes=8,
    n_captured=8,
)


def ask(question: str, **changed: object) -> Draft:
    return answer(question, [judged(HITS, replace(MEASURED, **changed))])


@pytest.mark.parametrize(
    ("question", "changed", "reply"),
    [
        ("Is the rhythm normal?", {}, "Yes: sinus rhythm"),
        ("Is conduction normal?", {}, "Yes: PR interval 160 ms"),
        ("Is conduction normal?", {"pr_ms": 250.0}, "No: prolonged PR interval; PR interval 250 ms"),
        ("Is conduction abnormal?", {"pr_ms": 250.0}, "Yes: prolonged PR interval; PR interval 250 ms"),
        ("Are the ST segments normal?", {}, "Yes: no ST elevation"),
        ("Are the ST segments normal?", {"st_j60_mv": {"II": 0.2, "III": 0.2}}, "No: ST elevation in II, III"),
        ("Is the ST segment normal in V2?", {}, "Yes: no ST elevation in V2; no ST depression in V2."),
        ("Is the ST segment normal in II?", {"st_j60_mv": {"II": 0.2}}, "No: ST elevation in II."),
        ("No AF, right?", {}, "Yes: no atrial fibrillation."),
        ("There's no sinus rhythm, is there?", {}, "No, it is shown: sinus rhythm."),
        ("Isn't that atrial fibrillation?", {}, "No: no atrial fibrillation."),
        ("Is anything wrong with the P waves?", {}, "No: P duration 100 ms"),
        ("Any conduction disease?", {}, "No: PR interval 160 ms"),
        ("Is HR < 60 and QTc > 400?", {}, "Yes: QTc (Bazett) 430 ms. No: ventricular rate 72 bpm."),
        ("No QTc over 500?", {}, "Yes: QTc"),
        ("Are the T waves upright?", {"t_mv": {"II": -0.2}}, "No: T amplitude -0.20 mV in II"),
        ("Is there atrial fibrillation?", {}, "No: no atrial fibrillation."),
        ("Can we rule out atrial fibrillation?", {}, "Yes: no atrial fibrillation."),
        ("Is sinus rhythm absent?", {}, "No, it is shown: sinus rhythm."),
        ("Are P waves absent?", {}, "No, they are shown: P waves"),
        ("Is the pacemaker working?", {}, "Yes: a QRS complex follows each of 8"),
        ("Failure to capture?", {}, "No: a QRS complex follows each of 8"),
        ("Sokolow-Lyon index?", {}, "Yes: S in V1 and R in V5 or V6 are 3.70 mV"),
        ("Linkstyp?", {}, "Yes: leftward axis"),
        ("Is the QRS broad or narrow?", {}, "QRS duration 90 ms, within"),
        ("Which degree of AV block?", {"pr_ms": 250.0}, "First degree atrioventricular block"),
        ("Syncope, is the QTc over 500?", {}, "No: QTc"),
    ],
)
def test_it_is_answered_as_it_is_asked(question: str, changed: dict[str, object], reply: str) -> None:
    assert ask(question, **changed).text.startswith(reply)


def test_a_pacemaker_whose_stimuli_are_not_seen_is_not_judged() -> None:
    assert ask("Is the pacemaker working?", n_spikes=None, n_captured=None).abstained


def test_at_the_border_of_a_name_the_number_does_not_decide() -> None:
    said = [is_named("LTYPE", replace(MEASURED, axis_deg=axis)) for axis in (20.0, 32.0, 60.0)]
    assert said == [True, None, False]
