"""The 70 templates: what each asks, how it is worded, and how the wording is known.

Twenty-two wordings are ECG-QA's own: those of the released questions that could be had (26-28, 68-70), of ECG-QA's README
(28-33, 35-38), of comments in its preprocessing (18, 19) and of questions that other projects quote (1, 2, 4, 6, 9). The others
are reworded after what the generator and the preprocessing look for in a question, since the list of templates is part of
neither repository. What each template asks is inferred from the generator, from ``answers_for_each_template.csv`` and from the
question numbers of the released questions: 1,697 numbers go to templates 1-25, which are 63 statements and superclasses,
126 form statements by lead, six single questions, the pairs of 4 superclasses, of 36 diagnostic statements (twice), of 18
form and of 9 rhythm statements, and so on, up to 2,472; other readings could give the same sums.

Not known: the order within 12-17, 43-46,
50-53, 57-60 and 64-67, which all answer yes or no; which of 4 and 5, and of 8 and 9, leaves doubtful statements out; and which of
47-49 and of 61-63 is which.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

VERIFY: Final = "single-verify"
CHOOSE: Final = "single-choose"
QUERY: Final = "single-query"
CONSECUTIVE: Final = "comparison_consecutive"
IRRELEVANT: Final = "comparison_irrelevant"


@dataclass(frozen=True)
class Template:
    """One template.

    Attributes:
        template_id: 1 to 70.
        question_type: As in the released files.
        attribute_type: As in the released files.
        subject: What is asked about; see ``precordia.datasets.ecgqa.builder.subjects``.
        wording: With ``{a}``, ``{b}`` for attributes and ``{lead}``.
        published: Whether the wording is known to be ECG-QA's own.
    """

    template_id: int
    question_type: str
    attribute_type: str
    subject: str
    wording: str
    published: bool = False

    @property
    def kind(self) -> str:
        """ "verify", "choose" or "query"."""
        return self.question_type.rsplit("-", 1)[1]

    @property
    def compares(self) -> bool:
        """Whether it is about two ECGs."""
        return self.question_type.startswith("comparison")


_SCP, _NUM = "scp_code", "numeric_feature"
_DIAGNOSTIC = "Which diagnostic symptom does this ECG show, {a} or {b}"
_SHOW = "Does this ECG show {a}?"


def _single() -> list[Template]:
    scp = "scp_code"
    noise, stage, axis, extra = "noise", "stage_of_infarction", "heart_axis", "extra_systole"
    rows = [
        (VERIFY, scp, "statement", "Does this ECG show symptoms of {a}?", True),
        (VERIFY, scp, "form in lead", "Does this ECG show symptoms of {a} in {lead}?", True),
        (CHOOSE, scp, "superclass", "Which symptom does this ECG show, {a} or {b}?", False),
        (CHOOSE, scp, "diagnostic, certain", f"{_DIAGNOSTIC}, excluding uncertain symptoms?", True),
        (CHOOSE, scp, "diagnostic", f"{_DIAGNOSTIC}, including uncertain symptoms?", False),
        (CHOOSE, scp, "form", "Which form-related symptom does this ECG show, {a} or {b}?", True),
        (CHOOSE, scp, "rhythm", "Which rhythm-related symptom does this ECG show, {a} or {b}?", False),
        (QUERY, scp, "diagnostic, certain", "What diagnostic symptoms does this ECG show, excluding uncertain symptoms?", False),
        (QUERY, scp, "diagnostic", "What diagnostic symptoms does this ECG show, including uncertain symptoms?", True),
        (QUERY, scp, "rhythm", "What rhythm-related symptoms does this ECG show?", False),
        (QUERY, scp, "form", "What form-related symptoms does this ECG show?", False),
        (VERIFY, scp, "normal ecg", "Is this a normal ECG?", False),
        (VERIFY, scp, "any statement", _SHOW, False),
        (VERIFY, scp, "any diagnostic", "Does this ECG show {a}, including uncertain symptoms?", False),
        (VERIFY, scp, "any diagnostic, certain", "Does this ECG show {a}, excluding uncertain symptoms?", False),
        (VERIFY, scp, "any form", _SHOW, False),
        (VERIFY, scp, "any rhythm", _SHOW, False),
        (QUERY, scp, "form in lead", "What form-related symptoms does this ECG show in {lead}?", True),
        (QUERY, scp, "leads of form", "What leads are showing symptoms of {a} in this ECG?", True),
        (VERIFY, axis, "axis", _SHOW, False),
        (CHOOSE, axis, "axis", "Which cardiac axis does this ECG show, {a} or {b}?", False),
        (QUERY, axis, "axis", "What direction is the cardiac axis of this ECG?", False),
        (VERIFY, stage, "stage", _SHOW, False),
        (CHOOSE, stage, "stage", "Which stage of infarction does this ECG show, {a} or {b}?", False),
        (QUERY, stage, "stage", "What stage of infarction does this ECG show?", False),
        (VERIFY, noise, "noise in lead", "Does this ECG show {a} in {lead}?", True),
        (VERIFY, noise, "noise", _SHOW, True),
        (VERIFY, noise, "any noise in lead", "Does this ECG show any kind of noises in {lead}?", True),
        (VERIFY, noise, "any noise", "Does this ECG show any kind of noises?", True),
        (CHOOSE, noise, "noise", "Which noise does this ECG show, {a} or {b}?", True),
        (CHOOSE, noise, "noise in lead", "Which noise does this ECG show in {lead}, {a} or {b}?", True),
        (QUERY, noise, "noise", "What kind of noises does this ECG show?", True),
        (QUERY, noise, "noise in lead", "What kind of noises does this ECG show in {lead}?", True),
        (QUERY, noise, "leads of noise", "What leads are showing {a} in this ECG?", False),
        (VERIFY, extra, "any extra systole", "Does this ECG show any kind of extra systoles?", True),
        (VERIFY, extra, "extra systole", _SHOW, True),
        (CHOOSE, extra, "extra systole", "Which kind of extra systoles does this ECG show, {a} or {b}?", True),
        (QUERY, extra, "extra systole", "What kind of extra systole does this ECG show?", True),
        (VERIFY, _NUM, "range", "Does the {b} of this ECG fall {a}?", False),
        (CHOOSE, _NUM, "range", "Which range does the {feature} of this ECG fall in, {a} or {b}?", False),
        (QUERY, _NUM, "range", "What range does the {feature} of this ECG fall in?", False),
        (QUERY, _NUM, "features", "What numeric features of this ECG fall {a}?", False),
    ]  # fmt: skip
    return [Template(n, *row) for n, row in enumerate(rows, 1)]


def _comparison(first: int, order: str) -> list[Template]:
    scp, num, published = _SCP, _NUM, order == IRRELEVANT
    later, earlier = ("recent tracing", "previous tracing") if order == CONSECUTIVE else ("second ECG", "first ECG")
    compared = f"as compared to the {earlier}"
    rows = [
        ("verify", scp, "gone", f"Has {{a}} been resolved in the {later} {compared}?", False),
        ("verify", scp, "new", f"Is {{a}} newly detected in the {later} {compared}?", False),
        ("verify", scp, "still", f"Does the {later} still show {{a}} {compared}?", False),
        ("verify", scp, "never", f"Is {{a}} still absent in the {later} {compared}?", False),
        ("query", scp, "gone", f"What symptoms have been resolved in the {later} {compared}?", False),
        ("query", scp, "new", f"What symptoms are newly detected in the {later} {compared}?", False),
        ("query", scp, "still", f"What symptoms does the {later} still show {compared}?", False),
        ("verify", num, "gone", f"Has the {{a}} of the {later} now become normal {compared}?", False),
        ("verify", num, "new", f"Is the {{a}} of the {later} now considered an abnormal value {compared}?", False),
        ("verify", num, "still", f"Is the {{a}} of the {later} still abnormal {compared}?", False),
        ("verify", num, "never", f"Is the {{a}} of the {later} still normal {compared}?", False),
        ("query", num, "gone", f"What numeric features of the {later} now have become normal {compared}?", True),
        ("query", num, "new", f"What numeric features of the {later} are now considered abnormal values {compared}?", True),
        ("query", num, "still", f"What numeric features of the {later} are still abnormal {compared}?", True),
    ]  # fmt: skip
    return [
        Template(n, f"{order}-{kind}", attribute, change, wording, published and known)
        for n, (kind, attribute, change, wording, known) in enumerate(rows, first)
    ]


TEMPLATES: Final = (*_single(), *_comparison(43, CONSECUTIVE), *_comparison(57, IRRELEVANT))
BY_ID: Final = {template.template_id: template for template in TEMPLATES}
