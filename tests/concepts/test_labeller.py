"""What a report says: English, German and Swedish, with negation, doubt, comparison, territory and severity."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from precordia.concepts import label_report, vocabulary

MARK = {"present": "", "uncertain": "?", "absent": "-"}


def said(text: str) -> str:
    return " ".join(f"{f.concept}{MARK[f.status]}" for f in label_report(text))


@pytest.mark.parametrize(
    ("text", "findings"),
    [
        ("Sinus rhythm. Normal ECG.", "SR NORM"),
        ("sinus rhythm. otherwise no definite pathology.", "SR ONORM"),
        ("Sinus rhythm with borderline 1st degree A-V block", "SR 1AVB"),
        ("Possible inferior infarct - age undetermined", "IMI?"),
        ("Cannot rule out anterior infarct - age undetermined", "AMI?"),
        ("Atrial fibrillation with rapid ventricular response", "RAF"),
        ("RBBB with left anterior fascicular block", "RBBB LAFB"),
        ("left bundle branch block, this is most commonly due to ischaemic heart disease.", "LBBB"),
        ("st segments are depressed and t waves inverted in i, avl.", "STD_ INVT"),
        ("t waves are low in ii and inverted in iii, avf.", "LOWT INVT"),
        ("this may be due to lv strain or ischaemia and digitalis effect.", "LVS? ISC_? DIG?"),
        ("voltages are high in chest leads suggesting lvh.", "HVOLT LVH?"),
        ("old inferior infarct cannot be entirely excluded.", "IMI?"),
        ("inferior myocardial ischaemia is likely.", "ISCIN?"),
        ("anterior and inferolateral infarcts of uncertain age.", "AMI ILMI"),
        ("premature ventricular contraction(s), bigeminy.", "VBIG"),
        ("Poor R wave progression - probable normal variant", "PRWP NVAR?"),
        ("trace only requested.", "NOINT"),
        ("atrial fibrillation/flutter", "AFAFL"),
        ("SINUS BRADYCARDIA\nRIGHT BUNDLE BRANCH BLOCK\nABNORMAL ECG", "SBRAD RBBB ABN"),
    ],
)
def test_english_reports(text: str, findings: str) -> None:
    assert said(text) == findings


@pytest.mark.parametrize(
    ("text", "findings"),
    [
        ("sinusrhythmus lagetyp normal normales ekg", "SR NAXIS NORM"),
        ("sinusrhythmus linkstyp normal", "SR LTYPE NORM"),
        ("sinusrhythmus ueberdrehter linkstyp linksanteriorer hemiblock", "SR LAD LAFB"),
        ("qrs(t) abnorm    inferiorer infarkt     wahrscheinlich alt", "ABQRS IMI"),
        (
            "linkshypertrophie mÖglich qrs(t) abnorm    inferiorer myokardschaden nicht auszuschliessen",
            "LVH? ABQRS MYOD?",
        ),
        (
            "st & t abnorm, wahrscheinlich    anterolaterale ischÄmie oder linksbelastung    inferolaterale ischÄmie oder"
            " linksbelastung t abnorm in anterioren ableitungen",
            "STTA ISCAL? LVS? ISCIL? TAB_",
        ),
        ("verdacht auf p-sinistrocardiale lagetyp normal", "LAO/LAE? NAXIS"),
        ("mÄssige amplitudenkriterien f#r linkshypertrophie", "VCLVH"),
        ("r-s #bergang in v ableitungen nach links verschoben", "ROTCW"),
        ("supraventr. extrasystolen av-block 1.grades path. ekg", "SVES 1AVB ABN"),
        ("tachykardes vorhofflimmern, kompl. lsb", "RAF CLBBB"),
        ("vorhofüberlastung links, wahrscheinlich normales ekg", "LAO/LAE NORM?"),
        ("schrittmacher ekg 4.46                          unbestÄtigter bericht", "PACE"),
        ("Z.n. Hinterwandinfarkt, V.a. LVH?", "IMI LVH?"),
        ("möglicher Vorderwandinfarkt, Infarkt posterior fraglich", "AMI? PMI?"),
        ("st abnorm, mÖglicherweise    hochlateraler innenschichtsschaden", "NST_ INJ?"),
    ],
)
def test_german_reports(text: str, findings: str) -> None:
    assert said(text) == findings


@pytest.mark.parametrize(
    ("text", "findings"),
    [
        ("sinusrytm vÄnster el-axel normalt ekg", "SR LTYPE NORM"),
        ("avvikande qrs(t) fÖrlopp    hÖg lateral infarkt bÖr ÖvervÄgas", "ABQRS HLMI?"),
        ("ventrikulÄr(a) extrasystoli(er) fÖrmaksflimmer/-fladder", "PVC AFAFL"),
        ("misstÄnkt vÄnster kammarhypertrofi", "LVH?"),
    ],
)
def test_swedish_reports(text: str, findings: str) -> None:
    assert said(text) == findings


@pytest.mark.parametrize(
    ("text", "findings"),
    [
        ("No evidence of acute ischemia or infarction. No ST elevation.", "ISC_- MI- STE_-"),
        ("Sinus rhythm without ST depression or T wave inversion.", "SR STD_- INVT-"),
        ("No LVH. RBBB.", "LVH- RBBB"),
        ("Atrial fibrillation is not seen.", "AFIB-"),
        ("no st elevation but q waves in iii", "STE_- QWAVE"),
        ("Kein Anhalt für Ischämie. Keine ST-Hebung oder T-Negativierung.", "ISC_- STE_- INVT-"),
        ("Sinusrhythmus ohne Hinweis auf Infarkt", "SR MI-"),
        ("Ein Infarkt ist nicht nachweisbar.", "MI-"),
        ("regelmÄssiger rhythmus, keine p-welle erkannt lagetyp normal", "REGRH PWAVE- NAXIS"),
        ("keine r-progression v1-3", "PRWP"),
        ("inga p-vÅg funna", "PWAVE-"),
        ("no definite evidence of ischaemia or rhythm disturbance", "ISC_- DYSR-"),
        ("kein Infarktablauf, Ein Linksschenkelblock liegt nicht vor", "MI- LBBB-"),
        ("hypertrophy or ischaemia not excluded", "HYP? ISC_?"),
    ],
)
def test_negation(text: str, findings: str) -> None:
    assert said(text) == findings


@pytest.mark.parametrize(
    ("text", "territory"),
    [
        ("ST depression in inferior leads", "inferior"),
        ("st-senkung in ii,iii,avf", "inferior"),
        ("st-hebung v1-v3", "anteroseptal"),
        ("t negativ in i, avl", "high lateral"),
        ("t waves are inverted in i, avl, v5,6", "lateral"),
        ("T wave inversion in V3-6", "anterolateral"),
        ("st segments are depressed in ii, iii, avf, v5,6.", "inferolateral"),
        ("low limb lead voltage", None),
        ("Ischemia: apical.", "apical"),
    ],
)
def test_territory(text: str, territory: str | None) -> None:
    (finding,) = label_report(text)
    assert finding.territory == territory


def test_two_territories_are_two_findings() -> None:
    found = label_report("t abnorm in anterioren ableitungen    lateralen ableitungen")
    assert [(f.concept, f.territory) for f in found] == [("TAB_", "anterior"), ("TAB_", "lateral")]


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("old inferior infarct", "old"),
        ("inferiorer infarkt     alter unbest.", "age undetermined"),
        ("anteriorer infarkt     mÖgl. akut", "possibly acute"),
        ("chron. anteroseptaler infarkt", "old"),
        ("marked ST depression", "severe"),
        ("minor non-specific t wave flattening", "mild nonspecific"),
        ("mÄssige amplitudenkriterien fÜr linkshypertrophie", "moderate"),
        ("frequent premature atrial contractions", "frequent"),
        ("left bundle branch block", None),
    ],
)
def test_severity_and_age(text: str, severity: str | None) -> None:
    (finding,) = label_report(text)
    assert finding.severity == severity


@pytest.mark.parametrize(
    ("text", "concept", "comparison", "status"),
    [
        ("New left bundle branch block", "LBBB", "new", "present"),
        ("Neu aufgetretener Linksschenkelblock", "LBBB", "new", "present"),
        ("Compared with the tracing of 2010, atrial fibrillation is no longer present", "AFIB", "resolved", "absent"),
        ("Im Vergleich zum Vor-EKG unverändert: Rechtsschenkelblock.", "RBBB", "unchanged", "present"),
        ("RBBB, unchanged since last year", "RBBB", "unchanged", "present"),
    ],
)
def test_comparison(text: str, concept: str, comparison: str, status: str) -> None:
    (finding,) = label_report(text)
    assert (finding.concept, finding.comparison, finding.status) == (concept, comparison, status)


@pytest.mark.parametrize(
    ("text", "findings"),
    [
        ("Rhythm: Sinus bradycardia.", "SBRAD"),
        ("Electric axis of the heart: left axis deviation.", "LAD"),
        ("Undefined ischemia/scar/supp.NSTEMI: lateral wall.", "ISCLA? SCAR? NSTEMI?"),
        ("STEMI: anterior wall.", "STEMI"),
        ("Non-specific repolarization abnormalities: inferior wall.", "NSTT"),
        ("III degree AV-block.", "3AVB"),
        ("UNIpolar ventricular pacing.", "VPACE"),
        ("Ventricular extrasystole, type: couplet.", "VCOUP"),
    ],
)
def test_wording_of_ludb(text: str, findings: str) -> None:
    assert said(text) == findings


@pytest.mark.parametrize(
    ("text", "findings"),
    [
        ("sinus rythm, left ventricular hypertrohpy", "SR LVH"),
        ("sinusrhytmus, rechtsschenkleblock", "SR RBBB"),
        ("Vorhofflimern", "AFIB"),
        ("ischaemie ischämie ischÄmie ischaemia", "ISC_"),
        ("muldenförmige st-senkung", "STD_"),
        ("partieller rechtsschen- kelblock, infero- lateral ischaemia", "IRBBB ISCIL"),
    ],
)
def test_misspellings_and_spellings_of_umlauts(text: str, findings: str) -> None:
    assert said(text) == findings


def test_codes_of_readers_count_with_their_likelihood() -> None:
    assert said("sinus rhythm. normal ecg. Edit: NORM 80, (IMI 15)") == "SR NORM IMI?"
    assert said("Edit: ISCAS, ISCAN 100, INJAL 50") == "ISCAS ISCAN INJAL?"


def test_the_most_special_and_most_certain_statement_remains() -> None:
    assert said("possible lvh. left ventricular hypertrophy.") == "LVH"
    assert said("sinus bradycardia. the cause of the bradycardia is not evident.") == "SBRAD"
    assert said("left anterior fascicular block (LAFB)") == "LAFB"


def test_a_text_without_findings_has_none() -> None:
    assert label_report("") == []
    assert label_report("Der Patient kam um 8 Uhr in die Ambulanz.") == []
    assert label_report("sokolow 2,7 (f,51) suggest repeat in one week") == []


def test_the_same_text_gives_the_same_findings() -> None:
    text = "sinus rhythm. st segments are depressed in ii, v5,6. possible old inferior infarct."
    assert label_report(text) == label_report(text)


words = st.sampled_from(
    [row for concept in vocabulary() for row in (concept.name, concept.id)]
    + [
        "no",
        "kein",
        "möglich",
        "possible",
        "in ii, iii, avf",
        "v1-",
        ".",
        ",",
        "   ",
        "old",
        "15",
        "edit:",
        "oder",
        "?",
    ]
)


@settings(max_examples=200, deadline=2000)
@given(st.one_of(st.text(max_size=400), st.lists(words, max_size=40).map(" ".join)))
def test_any_text_is_read_with_spans_inside_it(text: str) -> None:
    for finding in label_report(text):
        assert 0 <= finding.span[0] < finding.span[1] <= len(text)
        assert finding.concept in vocabulary()
        assert finding.status in MARK


@settings(max_examples=10, deadline=5000)
@given(words, st.integers(2000, 4000))
def test_long_repetitions_stay_within_bounds(word: str, times: int) -> None:
    assert len(label_report(f"{word} " * times)) < 20


@pytest.mark.parametrize(
    "text",
    [
        "unchanged lvh or " * 6_000,
        "st depression in these leads or " * 6_000,
        "infarkt möglich oder " * 6_000,
        "v1-" * 20_000,
        "ischaemie" * 6_000,
        "?" * 30_000,
        "(" * 30_000,
    ],
)
def test_hostile_texts_take_time_in_proportion_to_their_length(text: str) -> None:
    assert len(label_report(text)) < 10
