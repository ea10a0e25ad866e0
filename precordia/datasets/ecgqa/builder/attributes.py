"""What ECG-QA calls the SCP-ECG statements, and which questions each can be asked in.

Codes, kinds and superclasses: PTB-XL 1.0.3 ``scp_statements.csv``; names: ECG-QA's generator; asked: the name is among the
answers of ECG-QA 1.0.2 (``answers.csv``), which leaves out statements that were too rare in its splits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Attribute:
    """One SCP-ECG statement as ECG-QA asks about it.

    Attributes:
        code: As in PTB-XL's ``scp_codes``.
        name: As in questions and answers.
        kinds: "d" diagnostic, "f" form, "r" rhythm; some are two of them.
        superclass: Of a diagnostic statement, else None.
        asked: Whether released questions name it.
    """

    code: str
    name: str
    kinds: str
    superclass: str | None
    asked: bool


ATTRIBUTES: Final = tuple(
    Attribute(code, name, kinds, superclass, asked)
    for code, name, kinds, superclass, asked in (
        ("NDT", "non-diagnostic t abnormalities", "df", "STTC", True),
        ("NST_", "non-specific st changes", "df", "STTC", True),
        ("DIG", "digitalis effect", "df", "STTC", True),
        ("LNGQT", "long qt-interval", "df", "STTC", True),
        ("NORM", "normal ecg", "d", "NORM", False),
        ("IMI", "myocardial infarction in inferior leads", "d", "MI", True),
        ("ASMI", "myocardial infarction in anteroseptal leads", "d", "MI", True),
        ("LVH", "left ventricular hypertrophy", "d", "HYP", True),
        ("LAFB", "left anterior fascicular block", "d", "CD", True),
        ("ISC_", "non-specific ischemic", "d", "STTC", True),
        ("IRBBB", "incomplete right bundle branch block", "d", "CD", True),
        ("1AVB", "first degree av block", "d", "CD", True),
        ("IVCD", "non-specific intraventricular conduction disturbance (block)", "d", "CD", True),
        ("ISCAL", "ischemic in anterolateral leads", "d", "STTC", True),
        ("CRBBB", "complete right bundle branch block", "d", "CD", True),
        ("CLBBB", "complete left bundle branch block", "d", "CD", True),
        ("ILMI", "myocardial infarction in inferolateral leads", "d", "MI", True),
        ("LAO/LAE", "left atrial overload/enlargement", "d", "HYP", True),
        ("AMI", "myocardial infarction in anterior leads", "d", "MI", True),
        ("ALMI", "myocardial infarction in anterolateral leads", "d", "MI", True),
        ("ISCIN", "ischemic in inferior leads", "d", "STTC", True),
        ("INJAS", "subendocardial injury in anteroseptal leads", "d", "MI", True),
        ("LMI", "myocardial infarction in lateral leads", "d", "MI", True),
        ("ISCIL", "ischemic in inferolateral leads", "d", "STTC", True),
        ("LPFB", "left posterior fascicular block", "d", "CD", True),
        ("ISCAS", "ischemic in anteroseptal leads", "d", "STTC", True),
        ("INJAL", "subendocardial injury in anterolateral leads", "d", "MI", True),
        ("ISCLA", "ischemic in lateral leads", "d", "STTC", True),
        ("RVH", "right ventricular hypertrophy", "d", "HYP", False),
        ("ANEUR", "st-t changes compatible with ventricular aneurysm", "d", "STTC", False),
        ("RAO/RAE", "right atrial overload/enlargement", "d", "HYP", True),
        ("EL", "electrolytic disturbance or drug (former EDIS)", "d", "STTC", False),
        ("WPW", "wolff-parkinson-white syndrome", "d", "CD", False),
        ("ILBBB", "incomplete left bundle branch block", "d", "CD", True),
        ("IPLMI", "myocardial infarction in inferoposterolateral leads", "d", "MI", True),
        ("ISCAN", "ischemic in anterior leads", "d", "STTC", True),
        ("IPMI", "myocardial infarction in inferoposterior leads", "d", "MI", True),
        ("SEHYP", "septal hypertrophy", "d", "HYP", False),
        ("INJIN", "subendocardial injury in inferior leads", "d", "MI", True),
        ("INJLA", "subendocardial injury in lateral leads", "d", "MI", True),
        ("PMI", "myocardial infarction in posterior leads", "d", "MI", True),
        ("3AVB", "third degree av block", "d", "CD", False),
        ("INJIL", "subendocardial injury in inferolateral leads", "d", "MI", True),
        ("2AVB", "second degree av block", "d", "CD", False),
        ("ABQRS", "abnormal qrs", "f", None, True),
        ("PVC", "ventricular premature complex", "f", None, True),
        ("STD_", "non-specific st depression", "f", None, True),
        ("VCLVH", "voltage criteria (qrs) for left ventricular hypertrophy", "f", None, True),
        ("QWAVE", "q waves present", "f", None, True),
        ("LOWT", "low amplitude t-wave", "f", None, True),
        ("NT_", "non-specific t-wave changes", "f", None, True),
        ("PAC", "atrial premature complex", "f", None, True),
        ("LPR", "prolonged pr interval", "f", None, True),
        ("INVT", "inverted t-waves", "f", None, True),
        ("LVOLT", "low qrs voltages in the frontal and horizontal leads", "f", None, True),
        ("HVOLT", "high qrs voltage", "f", None, True),
        ("TAB_", "t-wave abnormality", "f", None, True),
        ("STE_", "non-specific st elevation", "f", None, True),
        ("PRC(S)", "premature complex(es)", "f", None, False),
        ("SR", "sinus rhythm", "r", None, True),
        ("AFIB", "atrial fibrillation", "r", None, True),
        ("STACH", "sinus tachycardia", "r", None, True),
        ("SARRH", "sinus arrhythmia", "r", None, True),
        ("SBRAD", "sinus bradycardia", "r", None, True),
        ("PACE", "normal functioning artificial pacemaker", "r", None, True),
        ("SVARR", "supraventricular arrhythmia", "r", None, False),
        ("BIGU", "bigeminal pattern (unknown origin, supraventricular, or ventricular)", "r", None, True),
        ("AFLT", "atrial flutter", "r", None, True),
        ("SVTAC", "supraventricular tachycardia", "r", None, True),
        ("PSVT", "paroxysmal supraventricular tachycardia", "r", None, False),
        ("TRIGU", "trigeminal pattern (unknown origin, supraventricular, or ventricular)", "r", None, False),
    )
)
BY_CODE: Final = {attribute.code: attribute for attribute in ATTRIBUTES}
CODE_OF: Final = {attribute.name: attribute.code for attribute in ATTRIBUTES}

SUPERCLASSES: Final = {
    "CD": "conduction disturbance",
    "HYP": "hypertrophy",
    "MI": "myocardial infarction",
    "STTC": "st/t change",
}
WITH_LEADS: Final = (
    "NDT", "NST_", "DIG", "STD_", "VCLVH", "QWAVE", "LOWT", "NT_", "INVT", "LVOLT", "HVOLT", "TAB_", "STE_",
)  # fmt: skip
"""Form statements whose leads are asked for, read from the report."""
IN_LEAD_GROUPS: Final = frozenset({"LVOLT", "HVOLT", "VCLVH"})
"""Of these the limb and the chest leads are asked for, not single leads."""
LEAD_GROUPS: Final = {
    "limb leads": frozenset({"I", "II", "III", "aVR", "aVL", "aVF"}),
    "chest leads": frozenset({"V1", "V2", "V3", "V4", "V5", "V6"}),
}


def asked(kind: str) -> tuple[str, ...]:
    """Names of the statements of a kind that are asked about, in PTB-XL's order.

    >>> len(asked("d")), len(asked("f")), len(asked("r"))
    (36, 18, 9)
    """
    return tuple(a.name for a in ATTRIBUTES if a.asked and kind in a.kinds)
