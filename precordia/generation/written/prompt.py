"""What a language model is shown: the query's measurements, its precedents, and how far they agree.

The words of reports are quoted between fences after :mod:`precordia.generation.sanitize` has cleaned them, and a fence is
a mark that the cleaned words cannot contain. Precedents are numbered from 1, as ``Prompt.hits`` are; a model cites those
numbers, never an archive's own ids. The patient's own earlier ECGs (``Prompt.earlier``) stand apart from other patients'
precedents, numbered on from them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from precordia.concepts import statement_of
from precordia.core.case import Case
from precordia.core.drafts import Message, Prompt, PromptSize, Statement, estimate_tokens
from precordia.core.errors import UsageError
from precordia.core.findings import Finding
from precordia.core.retrieval import Hit
from precordia.generation.sanitize import clean, clinical_sentences
from precordia.generation.written.examples import example_turns
from precordia.judgement import votes
from precordia.judgement.evidence import Evidence
from precordia.judgement.measured import MEASURES, in_words
from precordia.judgement.reconcile import sayable, section_of

Kind = Literal["report", "answer", "comparison", "differential"]
TEMPLATES = Path(__file__).parent / "templates"
FENCE_MARK = "§"


@dataclass(frozen=True)
class PromptSettings:
    """What goes into a prompt, and how much of it.

    Attributes:
        size: "full", or "compact" for models of less than a billion weights: what there is to phrase, the main measurements,
            a few precedents without their reports, and the form last.
        k: Most precedents shown; None for 8, and 3 in a compact prompt.
        show_judgement: Whether the model is shown what the judgement says, to phrase it; else precedents and measurements alone.
        k_earlier: Most of the patient's own earlier ECGs shown.
        max_tokens: Budget of the whole prompt. Precedents are left out from the farthest until it fits.
        order: "nearest first", or "nearest last" for models that heed the end of a prompt most.
        placement: Precedents "after" or "before" the query.
        report_chars: Longest quotation of one report, characters.
        max_statements: Asked of the model.
        agreement_rows: Most findings in the agreement table.
        show_similarity: Whether similarities are shown.
        whole_reports: Quote all of a report, cleaned, instead of its clinical sentences: with an archive that is trusted.
    """

    size: PromptSize = "full"
    k: int | None = None
    show_judgement: bool = True
    k_earlier: int = 3
    max_tokens: int = 3000
    order: Literal["nearest first", "nearest last"] = "nearest first"
    placement: Literal["after", "before"] = "after"
    report_chars: int = 600
    max_statements: int = 8
    agreement_rows: int = 10
    show_similarity: bool = True
    whole_reports: bool = False

    @property
    def most_precedents(self) -> int:
        """How many precedents are shown at most."""
        return self.k if self.k is not None else {"full": 8, "compact": 3}[self.size]


def assemble(
    evidence: Evidence,
    question: str | None = None,
    *,
    second: Evidence | None = None,
    kind: Kind | None = None,
    to_phrase: Sequence[Statement] = (),
    settings: PromptSettings | None = None,
    count_tokens: Callable[[str], int] | None = None,
) -> Prompt:
    """The prompt for a report, or for an answer when there is a question.

    Args:
        evidence: Of the query.
        question: In free words.
        second: Of a second ECG to compare the first with.
        kind: The template; None chooses by what is given.
        to_phrase: What is said without a model, for it to order, connect and phrase.
        settings: What goes in, and how much.
        count_tokens: The model's tokenizer; estimated from the characters when None.

    Raises:
        UsageError: the budget cannot hold even the query without precedents.
    """
    settings = settings or PromptSettings()
    count = count_tokens or estimate_tokens
    kind = kind or ("comparison" if second is not None else "answer" if question else "report")
    if kind == "answer" and not question:
        raise UsageError("a prompt for an answer needs a question")
    if kind == "comparison" and second is None:
        raise UsageError("a prompt for a comparison needs a second recording")
    shown_ecgs = (evidence.recording,) if second is None else (evidence.recording, second.recording)
    others, mine = evidence.hits[: settings.most_precedents], evidence.earlier[: settings.k_earlier]
    items_of_others, items_of_mine = ([_case(hit, settings) for hit in hits] for hits in (others, mine))
    nearest_first, folder = settings.order == "nearest first", "compact/" if settings.size == "compact" else ""
    system, facts, task = (_environment().get_template(f"{folder}{name}.j2") for name in ("system", "shown", kind))
    said = [statement.text.rstrip(".") for statement in to_phrase] if settings.show_judgement else []
    about = {
        "query": _query("ECG to be read" if second is None else "First ECG", evidence),
        "second": _query("Second ECG", second, "second.") if second is not None else None,
        "question": _quotable(question, 500) if question else None,
        "nearest_first": nearest_first,
        "placement": settings.placement,
        "max_statements": settings.max_statements,
        "to_phrase": said,
        **_agreement(evidence, settings),
    }
    while True:
        shown = (*others, *mine)
        precedents = _numbered(items_of_others[: len(others)], 1)
        context = {
            **about,
            "fence": fence_for([*(hit.case.report or "" for hit in shown), question or ""]),
            "precedent_items": precedents if nearest_first else precedents[::-1],
            "earlier_items": _numbered(items_of_mine[: len(mine)], len(others) + 1),
        }
        about_ecg = facts.render(context).lstrip()
        messages = (
            Message("system", system.render(context).strip()),
            *example_turns([*shown, *evidence.hits], to_phrase, question, phrased=bool(said)),
            Message("user", about_ecg + task.render(context).strip()),
        )
        if sum(count(message.content) for message in messages) <= settings.max_tokens:
            return Prompt(messages, others, evidence.measurements, question, mine, shown_ecgs, facts=about_ecg.rstrip())
        if others:
            others = others[:-1]
        elif mine:
            mine = mine[:-1]
        else:
            raise UsageError(
                f"a prompt without any precedent takes more than {settings.max_tokens} tokens; raise the token budget"
            )


def fence_for(texts: Sequence[str]) -> str:
    """A mark that none of the texts contains and that cannot be foreseen from outside them; the same for the same texts."""
    digest = hashlib.sha256("\x1f".join(texts).encode("utf-8", "replace")).hexdigest()
    return f"{FENCE_MARK}{digest[:10]}{FENCE_MARK}"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    # Prompts are plain text: nothing is to be escaped for HTML. Templates come from the package alone.
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _query(title: str, evidence: Evidence, prefix: str = "") -> dict[str, Any]:
    recording, measurements, quality = evidence.recording, evidence.measurements, evidence.quality
    facts = []
    if recording.age is not None and isfinite(recording.age):
        facts.append(f"age {'90 or older' if recording.age >= 90 else f'{recording.age:.0f}'}")
    if recording.sex is not None:
        facts.append({"F": "female", "M": "male"}[recording.sex])
    rows = []
    for name, measure in MEASURES.items():
        value = getattr(measurements, name)
        if value is not None:
            low = measure.low is not None and value < measure.low
            flag = ("below" if low else "above") + " reference" if measure.is_outside(value, recording.sex) else ""
            rows.append({"name": name, "words": in_words(name, measurements), "flag": flag})
    if measurements.rhythm_regularity:
        rows.append({"name": "rhythm_regularity", "words": in_words("rhythm_regularity", measurements), "flag": ""})
    if measurements.criteria:
        rows.append({"name": "criteria", "words": in_words("criteria", measurements), "flag": ""})
    if measurements.st_j60_mv:
        levels = ", ".join(
            f"{lead} {value:+.2f}" for lead, value in measurements.st_j60_mv.items() if abs(value) >= 0.1
        )
        rows.append(
            {"name": "st_j60_mv", "words": f"ST level of at least 0.1 mV: {levels or 'in no lead'}", "flag": ""}
        )
    if quality is None:
        graded = "not assessed"
    else:
        problems = "; ".join(problem.message for problem in quality.problems[:3])
        graded = f"{quality.score:.2f} of 1{', not acceptable' if not quality.acceptable else ''}"
        graded += f" ({clean(problems, max_chars=300).text})" if problems else ""
    for row in rows:
        row["name"] = prefix + row["name"]
    return {"title": title, "facts": ", ".join(facts), "measures": rows, "quality": graded}


def _numbered(items: Sequence[dict[str, Any]], first: int) -> list[dict[str, Any]]:
    return [{**item, "number": number} for number, item in enumerate(items, first)]


def _case(hit: Hit, settings: PromptSettings) -> dict[str, Any]:
    case = hit.case
    facts = []
    if case.age is not None and isfinite(case.age):
        facts.append(f"age {'90 or older' if case.age >= 90 else f'{case.age:.0f}'}")
    if case.sex is not None:
        facts.append({"F": "female", "M": "male"}[case.sex])
    for name in ("heart_rate_bpm", "pr_ms", "qrs_ms", "qtc_ms"):
        value = getattr(case.measurements, name)
        if value is not None:
            facts.append(f"{name} {value:.0f}")
    similarity = f"{votes.similarity_of(hit):.2f}" if settings.show_similarity else "high"
    return {
        "similarity": similarity,
        "facts": ", ".join(facts),
        "findings": _findings(case),
        "stated": _findings(case, denied=False),
        "report": _quotable(
            (case.report or "") if settings.whole_reports else clinical_sentences(case.report or ""),
            settings.report_chars,
        )
        or "(no report)",
    }


def _quotable(text: str, max_chars: int) -> str:
    """Untrusted text, cleaned, without the mark that fences are made of."""
    return clean(text, max_chars=max_chars).text.replace(FENCE_MARK, "")


def _findings(case: Case, *, denied: bool = True) -> str:
    """A case's findings in canonical words: what a model needs even where a report's words had to be removed."""
    marks = {"present": "", "uncertain": "possible ", "absent": "no "}
    words = dict.fromkeys(
        marks[f.status] + statement_of(Finding(f.concept)).rstrip(".")
        for f in case.findings
        if sayable(f.concept) and (denied or f.status != "absent")
    )
    return ", ".join(words) or "(none read)"


def _agreement(evidence: Evidence, settings: PromptSettings) -> dict[str, Any]:
    """How far all of the precedents agree, those that are not shown included."""
    counted = [evidence.vote(concept) for concept in votes.stated_concepts(evidence.jury) if sayable(concept)]
    # What a finding merely implies, with no more support of its own, would only fill the table.
    counted = [
        v
        for v in counted
        if not any(v.concept in votes.lineage(o.concept) and o is not v and o.support >= v.support for o in counted)
    ]
    top = sorted(counted, key=lambda v: (-v.support, v.concept))[: settings.agreement_rows]
    top.sort(key=lambda v: (section_of(v.concept), -v.support, v.concept))
    rows = [
        {
            "name": statement_of(Finding(v.concept)).rstrip("."),
            "percent": round(100 * v.support),
            "denied": len(v.denying),
        }
        for v in top
    ]
    return {"agreement_rows": rows, "n_voters": len(evidence.jury)}
