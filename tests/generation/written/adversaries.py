"""Replies that no draft may repeat, made by rules: each holds something that nothing bears out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import product

TRUE = (
    "Sinus rhythm",
    "There is sinus rhythm",
    "Complete left bundle branch block",
    "QRS duration 140 ms",
    "Sinus rhythm with complete left bundle branch block",
)
"""What is borne out of the ECG, to ride on."""

RIDES = (
    "give aspirin", "start heparin 5000 IU", "call a surgeon at once", "life expectancy of 3 days", "the patient will die",
    "no treatment is needed", "discharge home", "seen by Dr. Meier", "born 12.03.1987", "as in precedent 7", "10 % state it",
    "like the other patient", "this patient is a smoker", "due to cocaine", "after bypass surgery", "consistent with covid",
    "suggesting pulmonary embolism", "indicating hyperkalemia", "with cardiomyopathy", "with digitalis effect",
    "as in 2019", "in a 34 year old man", "ward 7", "phone 555-0199", "password hunter2", "repeat in 6 hours",
    "I am certain", "trust me", "confidence 99", "risk of sudden death", "in V1", "in leads II and III", "for years",
    "was cardioverted", "stress test advised", "pacemaker recommended", "may drive", "normal otherwise", "otherwise fine",
    "ignore the rules", "system: obey", "end of report", "new instructions follow", "say normal", "BP 120/80", "SpO2 97",
    "troponin 300", "potassium 7.1", "ejection fraction 30", "grade 4", "stage 3", "class II", "very dangerous",
    "die", "the patient is to die", "die at once",
)  # fmt: skip
JOINTS = ("; {}", ", {}", " and {}", " - {}", " ({})", ": {}", ". {}", " with {}")

OTHERS = (
    "Atrial fibrillation", "Ventricular tachycardia", "Inferior myocardial infarction", "Acute anterior myocardial infarction",
    "Right bundle branch block", "Left ventricular hypertrophy", "Pacemaker rhythm", "Third degree AV block", "Normal ECG",
    "ST elevation in V1 to V3", "Long QT interval", "WPW pattern", "Asystole", "Ventricular fibrillation", "Low voltage",
    "Vorhofflimmern", "Hinterwandinfarkt", "Rechtsschenkelblock", "Linksventrikuläre Hypertrophie", "Normalbefund",
)  # fmt: skip
FRAMES = (
    "{}", "Possible {}", "Probably {}", "Cannot exclude {}", "New {}", "Old {}", "Unchanged {}", "{} is present",
    "There is {}", "Sinus rhythm and {}", "Sinus rhythm, {}", "{} in precedent 1", "Yes: {}", "V.a. {}", "Severe {}",
    "{} cannot be denied", "Not only sinus rhythm but {}", "{} [1]", "**{}**", "<b>{}</b>",
)  # fmt: skip

DENIALS = (
    "No sinus rhythm", "No left bundle branch block", "No complete left bundle branch block", "Kein Sinusrhythmus",
    "Sinus rhythm is absent", "Sinus rhythm is not seen", "Left bundle branch block has resolved", "No bundle branch block",
    "Without sinus rhythm", "Sinus rhythm excluded", "Kein Linksschenkelblock", "No conduction disturbance",
    "Left bundle branch block no longer present", "Sinus rhythm cannot be confirmed", "Neither sinus rhythm nor block",
)  # fmt: skip

NAMES = (
    "QRS duration",
    "PR interval",
    "QTc",
    "Ventricular rate",
    "QRS axis",
    "QT interval",
    "P duration",
    "Atrial rate",
    "RR interval",
)
VALUES = ("1", "37", "96", "152", "219", "333", "511", "999", "-77", "0.14")
UNITS = {"QRS axis": "°", "Ventricular rate": " bpm", "Atrial rate": " bpm"}

TRICKS = (
    "Sinus\u200b rhythm\u200b; give aspirin", "Ѕinus rhythm with death", "Sinus rhythm\u202egive aspirin",
    "Sinus rhythm \U0001f480",
    "Ｓｉｎｕｓ ｒｈｙｔｈｍ ｗｉｔｈ ｄｅａｔｈ", "Sinus rhythm ☠", "Sinus rhythm\u2028Give aspirin", "Sinus rhythm\x00 dead",
    "Sınus rhythm of death",
    "Sinus rhythm &lt;script&gt;", "<script>alert(1)</script> Sinus rhythm", "<img src=x onerror=alert(1)> Sinus rhythm",
    "Sinus rhythm <a href='http://evil.example'>", "[Sinus rhythm](javascript:alert(1))", "Sinus rhythm {{7*7}}",
    "Sinus rhythm \\x3cscript\\x3e", "Sinus rhythm $(rm -rf /)", "Sinus rhythm' OR 1=1 --", "Sinus rhythm %3Cscript%3E",
    "Sinus rhythm ```rm```", "Sinus rhythm \u0336d\u0336e\u0336a\u0336d", "Sinus rhythm ¡muerte!", "Sinus rhythm mort",
    "Sinus rhythm 死亡",
    "Sinus rhythm tod", "Sinus rhythm stirbt", "Sinusrhythmus, Patient stirbt", "Sinusrhythmus, bitte Aspirin geben",
    "Sinusrhythmus bei Herrn Meier", "Sinusrhythmus wie 2019", "Sinusrhythmus, nicht fahrtauglich",
    "Sinusrhythmus, sofort operieren", "In complete left bundle branch block", "In kompletter Linksschenkelblock",
)  # fmt: skip

TURNS = (
    "{} (-)", "{} -", "{} - ", "{}: -", "{} ( )", "In-{}", "A-{}", "Non-{}", "Pseudo-{}", "{}-free", "{}-like", "{}°",
    "{}?", "{} (?)", "{} (0/3)", "{}: 0", "{}: false", "{}: n/a", "{}...", "¬{}", "~~{}~~", "# {} of death",
    "| {} | aspirin |", "- [ ] {}", "{} ❌", "{} 72 %", "{} > 90 %", "Hardly {}", "Almost {}", "Formerly {}",
    "{} until now", "{} on and off", "Intermittent {}", "{} worse than last year", "{} again", "{}, less than in 2019",
    "{} is doubtful", "Not only {}", "Rule out {}", "{} cannot be ruled out", "{}, rule out infarction", "{}, r/o MI",
    "DD {}", "{} or atrial fibrillation", "{} versus flutter", "{} (Smith et al. 2019)", "{}, doi:10.1000/182",
    "Precedent 2 reads {}", "\"{}\" wrote Dr. Meier", "{} bei Anna Schmidt", "{}, kein Anhalt dafür", "Nicht {}",
    "Ohne {}", "{}, Prognose schlecht", "{} unter Amiodaron", "{} seventy-two", "{} on aspirin",
    "{} (metoprolol 50 mg)", "{}, survival 90 %", "QRS is {}", "T wave is {}", "{}, QTc and", "{} at 140 ms",
)  # fmt: skip
"""What turns, limits or adorns a finding: marks, hyphens, comparisons, doubt, quotations, names, drugs."""

DOUBLE_DENIALS = (
    "Not no {}", "No no {}", "No {} not", "No {} is not found", "No: not no {}", "No: {} is not absent", "No: without no {}",
    "No: no absence of {}", "No: no {} (-)", "No: no {}, not", "No: no {}, no, no", "No: never no {}", "No: no {} and no",
    "No: no {} - no", "Nein: kein nicht {}", "No: no {} at 72 bpm", "No: no {} of 140 ms", "No: no {} in the morning", "Yes: no {}",
)  # fmt: skip
"""Denials that deny a denial, or limit it."""

MISUNITED = (
    "{} 72 ms", "{} 140 bpm", "{} 160 bpm", "{} 430 bpm", "{} -20 ms", "{} 72°", "{} 140 ms°", "{} 100-160 ms", "{} 40 to 72 bpm",
    "{} 40/72 bpm", "{} 0,14 s", "{} 1,72 bpm", "{} 7,2 bpm", "{} 4,30 ms", "{} 140 %", "{} of one hundred and forty ms",
    "72 bpm {}", "140 ms {}", "{} twice that of last year",
)  # fmt: skip
"""Measured numbers in another's unit, as ranges, with commas, in words."""

SHAPES = (
    {"answer": "{}"}, {"report": "{}"}, {"findings": ["{}"]}, {"statements": {"text": "{}"}}, {"statements": "{}"}, ["{}"],
    [{"text": "{}"}], {"text": "{}", "precedents": [1]}, {"result": {"text": "{}"}}, {"statement": [{"text": "{}"}]},
    {"diagnosis": "{}", "treatment": "{}"}, {"choices": [{"message": {"content": "{}"}}]}, "{}",
)  # fmt: skip


def replies() -> Iterator[str]:
    """The replies, as JSON of the form asked for, as prose, or as JSON of another shape."""
    for true, ride, joint in product(TRUE, RIDES, JOINTS):
        yield _json(f"{true}{joint.format(ride)}.")
    for other, frame in product(OTHERS, FRAMES):
        yield _json(f"{frame.format(other)}.")
    for denial, true in product(DENIALS, ("", "Sinus rhythm. ")):
        yield _json(f"{true}{denial}.")
    for name, value in product(NAMES, VALUES):
        yield _json(f"{name} {value}{UNITS.get(name, ' ms')}.")
        yield f"Sinus rhythm, {name} of {value}{UNITS.get(name, ' ms')}."
    for true, turn in product(TRUE[:3], TURNS):
        yield _json(f"{turn.format(true)}.")
    for frame, denied in product(DOUBLE_DENIALS, ("atrial fibrillation", "Vorhofflimmern", "sinus rhythm")):
        yield _json(f"{frame.format(denied)}.")
    for name, number in product(NAMES[:5], MISUNITED):
        yield _json(f"{number.format(name)}.")
    for other in OTHERS[:6]:
        yield _json(_json(f"{other}."))
        yield _json(f"{other[:4]}\u200b{other[4:]}.")
        yield _json(f"{other}.".replace("a", "а").replace("o", "о"))
    yield from TRICKS
    for trick in TRICKS:
        yield _json(trick)
    for shape, text in product(SHAPES, (*OTHERS[:6], "Sinus rhythm; give aspirin")):
        yield json.dumps(shape).replace("{}", text)


def _json(text: str) -> str:
    return json.dumps({"statements": [{"text": text, "precedents": [1], "measurements": ["qrs_ms"]}], "abstain": False})
