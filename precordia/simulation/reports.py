"""Reports in many wordings, English or German, all of them true of the ECG they describe."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from precordia.core.errors import UnknownNameError
from precordia.core.leads import LEADS
from precordia.simulation.truth import Truth

Language = Literal["en", "de"]
Style = Literal["terse", "sentence"]

_SIGNS: Final = ("STE_", "STD_", "INVT", "QWAVE")
_CAUSES: Final = ("MI:", "LVH", "RVH", "ISC")
_ORDER: Final = ("SR", "SBRAD", "STACH", "SARRH", "AFIB", "AFLT", "VT", "PACE", "VPACE", "PFAIL", "3AVB", "VERHY", "HAVB",
                 "MOB2", "2AVB", "PAC", "PVC", "1AVB", "WPW", "CLBBB", "CRBBB",
                 "IRBBB", "LAFB", "LPFB", "LAD", "RAD", "LAO/LAE", "RAO/RAE", "LVH", "RVH", "LVOLT")  # fmt: skip
_HEDGED: Final = ("LVH", "RVH", "LAO/LAE", "RAO/RAE", "ISC", ":old", "LPFB", "LAFB")
_HEDGE_CHANCE: Final = 0.10
_VENTRICULAR: Final = ("PACE", "VPACE", "VT", "VERHY")


@dataclass(frozen=True)
class Earlier:
    """An earlier ECG of the same patient, to compare with."""

    time: datetime
    truth: Truth


@cache
def _wording(language: str) -> Any:
    if language not in ("en", "de"):
        raise UnknownNameError("language", language, ("en", "de"))
    path = Path(__file__).with_name("wording") / f"{language}.json"
    return json.loads(path.read_text(encoding="utf-8"))


def write_report(
    truth: Truth,
    rng: np.random.Generator,
    language: Language = "en",
    *,
    style: Style | None = None,
    earlier: Earlier | None = None,
) -> str:
    """What a cart or a clinician might have written under the ECG.

    Every finding is named, some hedged ("possible"); signs of a named cause (Q waves of an infarction) are named half
    of the time. Some reports add what is absent, or compare with an earlier ECG.

    Args:
        truth: Of the ECG.
        rng: Chooses the words.
        language: "en" or "de".
        style: "terse" (a cart's phrases) or "sentence"; drawn when None.
        earlier: Compared with, some of the time.

    Raises:
        UnknownNameError: another language.
    """
    wording = _wording(language)
    manner: Style = style or ("terse" if rng.random() < 0.6 else "sentence")
    keys = _keys(truth)
    parts: list[str] = []
    for key in keys:
        phrase = _phrase(wording, key, manner, truth, rng)
        if phrase and any(h in key for h in _HEDGED) and "NORM" not in keys and rng.random() < _HEDGE_CHANCE:
            plain = _phrase(wording, key, "terse", truth, rng)
            phrase = str(rng.choice(wording["phrases"]["hedge"])).format(plain)
            phrase = f"{phrase[0].upper()}{phrase[1:]}." if manner == "sentence" else phrase
        if phrase:
            parts.append(phrase)
    if "NORM" in keys and rng.random() < 0.25:
        parts = [_phrase(wording, "NORM", manner, truth, rng)]
    if rng.random() < 0.22 and (absent := _absent(truth)):
        parts.append(_phrase(wording, str(rng.choice(absent)), manner, truth, rng))
    text = _joined([p for p in parts if p], manner, rng)
    comparison = _comparison(wording, truth, earlier, language, rng) if earlier and rng.random() < 0.7 else ""
    if comparison and text and text[-1] not in ".;,":
        text += "."
    return f"{text} {comparison}".strip()


def _keys(truth: Truth) -> list[str]:
    """Keys of the wording, in reading order: rhythm, conduction, axis, chambers, infarction, ST-T, the verdict."""
    table = _wording("en")["findings"]
    keys = []
    for finding in truth.findings:
        qualified = f"{finding.concept}:{finding.severity}"
        keys.append(qualified if qualified in table else finding.concept)
    if "LVH" in keys and "STD_" in keys:
        keys = ["LVH+STD_" if k == "LVH" else k for k in keys if k not in ("STD_", "INVT")]
    if "PREEX" in keys:
        keys = ["AFIB+PREEX" if k == "AFIB" else k for k in keys if k != "PREEX"]
    if "LAFB" in keys and "LAD" in keys:
        keys.remove("LAD")
    if "LPFB" in keys and "RAD" in keys:
        keys.remove("RAD")
    if "SARRH" in keys and "SR" in keys:
        keys.remove("SR")

    def place(key: str) -> int:
        if key == "NORM":
            return 99
        base = key.split("+")[0]
        return _ORDER.index(base) if base in _ORDER else len(_ORDER) + (1 if key in _SIGNS else 0)

    return sorted(keys, key=place)


def _phrase(wording: Any, key: str, manner: Style, truth: Truth, rng: np.random.Generator) -> str:
    """One wording of a finding, its figures filled in; empty when a sign is left unsaid."""
    m = truth.measurements
    if key in _SIGNS and _has_cause(truth) and rng.random() < 0.5:
        return ""
    leads = {
        "STE_": [lead for lead in LEADS if m.st_j60_mv.get(lead, 0.0) >= 0.1],
        "STD_": [lead for lead in LEADS if m.st_j60_mv.get(lead, 0.0) <= -0.08 and lead != "aVR"],
        "INVT": [lead for lead in LEADS if truth.t_mv.get(lead, 0.0) <= -0.1 and lead not in ("aVR", "V1")],
        "QWAVE": list(truth.q_leads),
    }.get(key)
    if leads is not None and not leads:
        return ""
    choices = wording["findings"][key][manner]
    return str(choices[int(rng.integers(len(choices)))]).format(
        rate=_whole(m.heart_rate_bpm),
        p_rate=_whole(_atrial_rate(truth)),
        pr=_whole(m.pr_ms),
        qrs=_whole(m.qrs_ms),
        qtc=_whole(m.qtc_ms),
        axis=_whole(m.axis_deg),
        st_up=_listed(leads, wording),
        st_down=_listed(leads, wording),
        t_down=_listed(leads, wording),
        q=_listed(leads, wording),
    )


def _has_cause(truth: Truth) -> bool:
    return any(d.startswith(_CAUSES[1:]) or _CAUSES[0] in d for d in truth.diagnoses)


def _atrial_rate(truth: Truth) -> float | None:
    """P waves a minute, from the first to the last in the recording."""
    p = truth.p_waves_s
    return 60.0 * (len(p) - 1) / (p[-1] - p[0]) if len(p) > 1 else None


def _whole(value: float | None) -> str:
    return "" if value is None else str(round(value))


def _listed(leads: Sequence[str] | None, wording: Any) -> str:
    """ "V2-V4", "II, III and aVF"."""
    if not leads:
        return ""
    chest = [lead for lead in leads if lead.startswith("V")]
    if len(chest) == len(leads) > 2 and [int(c[1]) for c in chest] == list(
        range(int(chest[0][1]), int(chest[-1][1]) + 1)
    ):
        return f"{chest[0]}-{chest[-1]}"
    return ", ".join(leads[:-1]) + (wording["phrases"]["and"] if len(leads) > 1 else "") + leads[-1]


def _absent(truth: Truth) -> list[str]:
    """What can truly be denied."""
    concepts, m = set(truth.concepts), truth.measurements
    out = []
    if not concepts & {
        "STE_",
        "STD_",
        "INVT",
        "LOWT",
        "CLBBB",
        "WPW",
        "PREEX",
        "RVH",
        "HYPERK",
        "BRUG",
        *_VENTRICULAR,
    } and not any(c.startswith("ISC") for c in concepts):
        out.append("NOACUTE")
    if not concepts & {"AFIB", "AFLT", *_VENTRICULAR}:
        out.append("NOAF")
    if (m.qrs_ms or 200.0) < 108.0 and not concepts & {"IRBBB", "WPW"}:
        out.append("NOBBB")
        if not concepts & {"LVH", "RVH"} and not any(m.criteria.values()):
            out.append("NOLVH")
    return out


def _joined(parts: list[str], manner: Style, rng: np.random.Generator) -> str:
    if manner == "sentence":
        return " ".join(parts)
    separator = (". ", ", ", "; ", ". ")[int(rng.integers(4))]
    text = separator.join(parts)
    if separator == ". ":
        text += "."
    case = rng.random()
    return text[0].upper() + text[1:] if case < 0.5 and text else text


def _comparison(wording: Any, truth: Truth, earlier: Earlier, language: Language, rng: np.random.Generator) -> str:
    """A true sentence about what changed since the earlier ECG, or empty."""
    now, then = _lasting(truth), _lasting(earlier.truth)
    scars = {k for k in now if k.replace(":old", ":acute") in then}
    now, then = now - scars, then - {k.replace(":old", ":acute") for k in scars}
    date = earlier.time.strftime("%Y-%m-%d" if language == "en" else "%d.%m.%Y")
    phrases = wording["phrases"]
    if scars and now == then:
        return ""
    if now == then:
        return str(rng.choice(phrases["unchanged"])).format(date=date)
    new, gone = sorted(now - then), sorted(then - now)
    kind, keys = ("new", new) if new and (not gone or rng.random() < 0.6) else ("resolved", gone)
    key = keys[int(rng.integers(len(keys)))]
    name = str(wording["findings"][key]["terse"][0]).split(",")[0]
    return str(rng.choice(phrases[kind])).format(name, date=date)


def _lasting(truth: Truth) -> frozenset[str]:
    """Keys by which two ECGs are compared: what is found, but for the verdict and plain sinus rhythm; signs go unsaid."""
    return frozenset(k for k in _keys(truth) if k not in (*_SIGNS, "NORM", "SR", "LAD", "RAD"))
