"""Queries as people type them: what is understood, what is not, and what must always hold."""

from __future__ import annotations

import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from precordia.concepts import vocabulary
from precordia.retrieval.grammar import Bound, read_query
from precordia.retrieval.grammar.condition import denies, is_wanted, must_hold

FINDINGS = (
    "RBBB",
    "LBBB",
    "atrial fibrillation",
    "ST depression",
    "left ventricular hypertrophy",
    "first degree AV block",
)
LIMITS = ("QTc over 500", "PR > 200 ms", "heart rate below 45", "QRS of at least 120 ms", "rate between 40 and 50")

READ = {
    "no ST elevation": ("without ST elevation",),
    "sinus rhythm without ST depression": ("sinus rhythm", "without ST depression"),
    "inferior MI in women over 60": ("inferior myocardial infarction", "women", "over 60"),
    "rate > 120": ("heart rate over 120 bpm",),
    "either RBBB or LBBB": ("right bundle branch block or left bundle branch block",),
    "neither RBBB nor LBBB": ("without right bundle branch block", "without left bundle branch block"),
    "heart attack": ("myocardial infarction",),
    "skipped beats": ("premature complexes",),
    "slow heart rate": ("bradycardia",),
    "racing heart": ("tachycardia",),
    "wide QRS": ("QRS at least 120 ms",),
    "PR over 0.2 s": ("PR over 200 ms",),
    "QRS not wider than 120 ms": ("QRS at most 120 ms",),
    "narrow QRS": ("QRS below 120 ms",),
    "QT 480 or more": ("QT at least 480 ms",),
    "faster than 100 bpm": ("heart rate over 100 bpm",),
    "no QTc over 500": ("QTc at most 500 ms",),
    "Frauen über 60 mit Vorhofflimmern": ("atrial fibrillation", "women", "over 60"),
    "Männer unter 40 ohne Linksschenkelblock": ("without left bundle branch block", "men", "below 40"),
    "men 65 or older with first degree AV block": ("first degree atrioventricular block", "men", "at least 65"),
    "AF excluding flutter": ("atrial fibrillation", "without atrial flutter"),
    "non-sinus rhythm": ("without sinus rhythm",),
    "inferior or anterior MI": ("inferior myocardial infarction or anterior myocardial infarction",),
    "atrial fibrilation": ("atrial fibrillation",),
    "since 2019 recorded on AT-6": ("from 2019", "device AT-6"),
    "new LBBB since last year": ("left bundle branch block", "new"),
    "PR interval longer than 220 ms and QRS narrower than 100": ("PR over 220 ms", "QRS below 100 ms"),
    "rate less than 50 or more than 120": ("heart rate below 50 bpm or heart rate over 120 bpm",),
    "HR over 100 and below 150, QTc by Fridericia above 500": (
        "QTc by Fridericia over 500 ms",
        "heart rate over 100 bpm",
        "heart rate below 150 bpm",
    ),
    "RBBB with either LAFB or LPFB": (
        "right bundle branch block",
        "left anterior fascicular block or left posterior fascicular block",
    ),
    "first or second degree AV block": ("first degree atrioventricular block or second degree atrioventricular block",),
    "is the RBBB complete or incomplete?": (
        "complete right bundle branch block or incomplete right bundle branch block",
    ),
    "RBBB but no LAFB?": ("right bundle branch block", "without left anterior fascicular block"),
    "sinus or afib": ("sinus rhythm or atrial fibrillation",),
    "womn in their sixties, QTc abvoe 500": ("QTc over 500 ms", "women", "at least 60", "below 70"),
    "octogenarians with tachy": ("tachycardia", "at least 80", "below 90"),
    "Männer ab siebzig": ("men", "at least 70"),
    "elderly women, infeior MI": ("inferior myocardial infarction", "women", "at least 65"),
    "patients aged 54 between 2015 and 2018": ("at least 54", "below 55", "from 2015", "until 2018"),
    "anterior infarct, not inferior, men 60-70": (
        "anterior myocardial infarction",
        "without inferior myocardial infarction",
        "men",
        "at least 60",
        "at most 70",
    ),
    "lateral but not anterior infarction": ("lateral myocardial infarction", "without anterior myocardial infarction"),
    "similar women with AF": ("atrial fibrillation", "women"),
    "irregular heartbeat": ("irregular rhythm or atrial fibrillation",),
    "irregular rhythm that is not AF": ("irregular rhythm", "without atrial fibrillation"),
    "regular tachycardia": ("tachycardia", "regular RR intervals"),
    "everything but AF": ("without atrial fibrillation",),
    "weder LSB noch RSB": ("without left bundle branch block", "without right bundle branch block"),
    "abnormal ECGs without infarction": ("without normal ECG", "without myocardial infarction"),
    "Hatte ich einen Herzinfarkt?": ("myocardial infarction",),
    "RBBB complete": ("complete right bundle branch block",),
    "young women, 3rd degree block": ("complete atrioventricular block", "women", "below 40"),
    "82-year-old woman": ("women", "at least 82", "below 83"),
    "75F or older men": ("women at least 75 below 76 or men at least 65",),
    "women over 60 or men over 70": ("women over 60 or men over 70",),
    "Frauen über 60 oder Männer über 70 mit Vorhofflimmern": ("atrial fibrillation", "women over 60 or men over 70"),
    "no women over 60 or men over 70": ("neither women over 60 nor men over 70",),
    "women or men over 60": ("over 60",),
    "women over 60 or under 20": ("women", "over 60 or below 20"),
    "afib w slow ventricular response": ("atrial fibrillation", "bradycardia"),
    "TWI in lateral leads": ("lateral T-wave inversion",),
    "Z.n. Hinterwandinfarkt": ("old inferior myocardial infarction",),
    "Flimmern oder Flattern": ("atrial fibrillation or flutter",),
    "unauffällige EKGs bei Frauen unter 30": ("normal ECG", "women", "below 30"),
    "non-specific ST changes": ("ST segment changes",),
    "non-STEMI": ("non-ST-elevation or subendocardial infarction",),
    "50-60jährige Männer mit LVH": ("left ventricular hypertrophy", "men", "at least 50", "at most 60"),
    "Mädchen unter 10": ("women", "below 10"),
    "pt in his 50s with VT": ("ventricular tachycardia", "at least 50", "below 60"),
    "HR in the 150s": ("heart rate at least 150 bpm", "heart rate below 160 bpm"),
    "ü70, RSB": ("right bundle branch block", "over 70"),
    "AF sortiert nach Herzfrequenz": ("atrial fibrillation", "highest heart rate first"),
    "last 10 ECGs": ("newest first",),
    "longest QTc in women": ("women", "highest QTc first"),
    "niedrigste Herzfrequenz bei Sinusrhythmus": ("sinus rhythm", "lowest heart rate first"),
    "most recent STEMI": ("ST-elevation myocardial infarction", "newest first"),
    "oldest patient with AF": ("atrial fibrillation", "oldest patients first"),
    "oldest ECG with AF": ("atrial fibrillation", "earliest first"),
    "fastest AF, QRS below 100": ("atrial fibrillation", "QRS below 100 ms", "highest heart rate first"),
    "women in their late 60s, over-80s": ("women", "at least 67", "at most 69", "over 80"),
    "bradycardia below 40": ("bradycardia", "heart rate below 40 bpm"),
    "HR 60, QTc größer 500": ("QTc over 500 ms", "heart rate at least 57 bpm", "heart rate at most 63 bpm"),
    "women with AF or men with LBBB": ("women with atrial fibrillation or men with left bundle branch block",),
    "AF before 2010 or after 2018": ("atrial fibrillation", "until 2009 or from 2019"),
    "aged 50 to 60 or 70 to 80": ("aged 50 to 60 or aged 70 to 80",),
    "younger than forty and normal": ("normal ECG", "below 40"),
    "forty- to sixty-year-olds with RBBB": ("right bundle branch block", "at least 40", "at most 60"),
    "women aged seventy to seventy-nine": ("women", "at least 70", "at most 79"),
    "octogenarians and older with LBBB": ("left bundle branch block", "at least 80"),
    "very old people (80+)": ("at least 80",),
    "women post MI": ("old myocardial infarction", "women"),
    "QTc above half a second": ("QTc over 500 ms",),
    "PR over five small squares": ("PR over 200 ms",),
    "1° AV block": ("first degree atrioventricular block",),
    "any bundle branch block, left or right": ("left bundle branch block or right bundle branch block",),
    "lft atrial enlargement": ("left atrial enlargement",),
    "on a Philips cart, last winter": ("last winter", "device Philips"),
}


@pytest.mark.parametrize(("text", "chips"), READ.items())
def test_what_is_understood_is_said_back(text: str, chips: tuple[str, ...]) -> None:
    found = read_query(text)
    assert found.chips == chips
    assert found.rest == ()


@pytest.mark.parametrize("text", READ)
def test_what_is_said_back_is_read_as_the_same(text: str) -> None:
    chips = read_query(text).chips
    again = read_query(", ".join(chips))
    assert set(again.chips) == set(chips)
    assert again.rest == ()


@pytest.mark.parametrize(
    ("text", "first", "behind"),
    [
        ("in the last 5 years", date(2015, 5, 4), None),
        ("since March", date(2020, 3, 1), None),
        ("seit Juni", date(2019, 6, 1), None),
        ("last winter", date(2019, 12, 1), date(2020, 3, 1)),
        ("this year", date(2020, 1, 1), date(2021, 1, 1)),
        ("im letzten Jahr", date(2019, 1, 1), date(2020, 1, 1)),
        ("last month", date(2020, 4, 1), date(2020, 5, 1)),
        ("before March 2018", None, date(2018, 3, 1)),
        ("between November and January 2018", date(2018, 11, 1), date(2019, 2, 1)),
        ("in the 1990s", date(1990, 1, 1), date(2000, 1, 1)),
    ],
)
def test_times_are_counted_from_the_newest_recording(text: str, first: date | None, behind: date | None) -> None:
    found = read_query(f"AF {text}")
    assert found.time is not None
    assert found.rest == ()
    assert found.time.limits(date(2020, 5, 4)) == (first, behind)


def test_a_change_since_last_year_limits_no_date() -> None:
    assert read_query("new LBBB since last year").time is None


@given(
    st.sampled_from([("women", "M"), ("men", "F"), ("Frauen", "M"), ("Männer", "F")]),
    st.sampled_from(["no", "not", "keine"]),
)
def test_negating_a_sex_asks_for_the_other(who: tuple[str, str], no: str) -> None:
    assert read_query(f"{no} {who[0]}").sex == who[1]


@given(
    st.sampled_from(
        ["atrial fibrillation", "left ventricular hypertrophy", "Linksschenkelblock", "Vorhofflimmern", "Extrasystolen"]
    ),
    st.data(),
)
def test_a_letter_left_out_changes_nothing(finding: str, data: st.DataObject) -> None:
    words = finding.split()
    which = data.draw(st.sampled_from([k for k, word in enumerate(words) if len(word) > 8]))
    at = data.draw(st.integers(1, len(words[which]) - 2))
    words[which] = words[which][:at] + words[which][at + 1 :]
    assert read_query(" ".join(words)).wanted == read_query(finding).wanted


@given(
    st.sampled_from([("women", "F"), ("men", "M"), ("Frauen", "F")]),
    st.sampled_from([("over", ">"), ("under", "<"), ("at least", ">=")]),
    st.integers(1, 49),
    st.integers(50, 99),
)
def test_denying_groups_of_people_asks_for_all_others(
    who: tuple[str, str], side: tuple[str, str], one: int, other: int
) -> None:
    said = f"{who[0]} {side[0]} {one} or {'men' if who[1] == 'F' else 'women'} under {other}"
    of = (
        f"(age {side[1]} {one}) and (sex = '{who[1]}')",
        f"(age < {other}) and (sex = '{'M' if who[1] == 'F' else 'F'}')",
    )
    assert must_hold(read_query(said)) == f"(({of[0]}) or ({of[1]}))"
    assert must_hold(read_query(f"no {said}")) == f"(not ({of[0]})) and (not ({of[1]}))"


def test_a_number_of_what_is_not_known_is_nobodys_age() -> None:
    for text in (
        "LBBB and EF < 35",
        "troponin over 50",
        "K+ above 6",
        "ST elevation over 2 mm",
        "over 50 %",
        "pause over 2 s",
    ):
        found = read_query(text)
        assert found.bounds == ()
        assert [word for word in found.rest if word.isdigit()] != []
    assert read_query("LBBB over 35").bounds == (Bound("age", ">", 35.0),)


def test_what_is_not_understood_is_named() -> None:
    assert read_query("What is the capital of France?").rest == ("capital", "France")
    assert read_query("LBBB with zebra stripes").rest == ("zebra", "stripes")


@pytest.mark.parametrize(
    ("text", "measure"),
    [
        ("How long is the QRS complex?", "qrs_ms"),
        ("Wie lang ist der QRS-Komplex?", "qrs_ms"),
        ("How many milliseconds is the PR interval?", "pr_ms"),
        ("How fast is the heart rate?", "heart_rate_bpm"),
    ],
)
def test_what_asks_for_the_size_of_a_measurement_is_understood(text: str, measure: str) -> None:
    found = read_query(text)
    assert (found.measures, found.rest) == ((measure,), ())
    assert read_query("How long is the purple stripe?").rest == ("long", "purple", "stripe")


@given(st.sampled_from(FINDINGS))
def test_negating_a_finding_negates_what_matches(finding: str) -> None:
    stated, negated = read_query(finding), read_query(f"no {finding}")
    assert negated.excluded == stated.wanted
    assert negated.wanted == stated.excluded == ()


@given(st.sampled_from(LIMITS[:4]), st.floats(0, 1000))
def test_negating_a_limit_negates_what_meets_it(limit: str, value: float) -> None:
    (bound,), (opposite,) = read_query(limit).bounds, read_query(f"not {limit}").bounds
    assert bound.holds(value) is not opposite.holds(value)


@pytest.mark.parametrize(
    "text",
    [
        "rate not between 40 and 50",
        "no heart rate between 40 and 50",
        "heart rate outside 40-50",
        "HR below 40 or over 50",
    ],
)
@given(value=st.floats(0, 200))
def test_what_lies_outside_a_range_meets_one_of_two_limits(text: str, value: float) -> None:
    found = read_query(text)
    (group,) = found.outside
    assert found.bounds == ()
    assert any(bound.holds(value) for bound in group) is not (40 <= value <= 50)


def test_a_range_that_is_denied_is_a_condition_of_one_of_two() -> None:
    assert must_hold(read_query("LBBB, not aged 40-50")) == "(age < 40 or age > 50)"


@given(st.permutations([*FINDINGS[:3], *LIMITS[:3], "women", "over 60"]))
def test_the_order_of_parts_changes_nothing(parts: list[str]) -> None:
    found = read_query(", ".join(parts))
    assert set(found.chips) == set(read_query(", ".join(sorted(parts))).chips)
    assert found.rest == ()


@given(st.lists(st.sampled_from(FINDINGS), min_size=2, max_size=2, unique=True))
def test_either_asks_for_the_same_in_either_order(pair: list[str]) -> None:
    one, other = (read_query(f"either {a} or {b}").either for a, b in (pair, pair[::-1]))
    assert len(one) == len(other) == 1
    assert set(one[0]) == set(other[0])


@given(st.text(max_size=600))
def test_any_text_is_read(text: str) -> None:
    found = read_query(text)
    for condition in (must_hold(found), is_wanted(found), denies(found)):
        assert condition is None or "--" not in condition


def test_every_name_of_the_vocabulary_is_understood_as_itself() -> None:
    known = vocabulary()
    names = {
        c: known.concept(c).name for c in ("LBBB", "AFIB", "IMI", "1AVB", "LVH", "PACE", "SBRAD", "WPW", "PVC", "LNGQT")
    }
    for concept, name in names.items():
        assert [wish.concept for wish in read_query(name).wanted] == [concept]


def test_conditions_say_what_must_hold_and_what_comes_first() -> None:
    found = read_query("either RBBB or LBBB, no atrial fibrillation, QTc over 500, women over 60 since 2019")
    assert found.bounds == (Bound("qtc_ms", ">", 500.0), Bound("age", ">", 60.0))
    assert must_hold(read_query("recorded on AT_6")) == "(contains(lower(device), 'at_6'))"
    assert must_hold(found) == (
        "(qtc_ms > 500) and (age > 60) and (sex = 'F') and (year(time) >= 2019)"
        " and (not (findings has 'AFIB') and not (findings_uncertain has any ('AFIB', 'CAF', 'PAF', 'RAF', 'SAF')))"
    )
    assert is_wanted(found) == "(findings has any ('RBBB', 'LBBB'))"
    assert denies(found) == "(findings_absent has 'AFIB')"


def test_who_excludes_an_acute_finding_excludes_no_other() -> None:
    condition = must_hold(read_query("no acute infarction"))
    assert condition == "(not (findings has 'MI' and contains(lower(statements), 'acute myocardial infarction')))"


def test_reading_takes_about_a_millisecond() -> None:
    texts = [f"sinus rhythm without ST depression, QTc over {n}, women over 60" for n in range(400, 440)]
    read_query("warm")
    begun = time.process_time()
    for text in texts:
        read_query(text)
    assert (time.process_time() - begun) / len(texts) < 0.005
