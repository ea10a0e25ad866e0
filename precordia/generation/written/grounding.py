"""What a language model wrote, sentence by sentence against what is said without it.

The judgement's part is what is true, the model's to order, connect and phrase it. What is said without a model, the *plain*
draft, is a list of statements with their evidence. A sentence of a model is

- *proved* when it says of findings exactly what statements of the plain draft say, its numbers are the measured ones, and
  nothing else is in it (:mod:`~precordia.generation.written.proof`): it is kept as it was written;
- *reworded* when all that it says stands there, but more words are in it than that, or it is put less exactly: the plain
  statements are said in its place;
- *repeated* when nothing in it is new;
- *unsupported* or *contradicted* when a finding or a number in it is not borne out, or something speaks against it: it is
  left out.

No word reaches a draft that is neither proved nor our own. What the plain draft says and the model left out is said after
it, so that no model, however weak, makes a report say less. What a model claims as evidence is checked and counted, never
trusted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import zip_longest
from typing import Final, Literal

from precordia.core.drafts import Draft, Message, Prompt, Reply, Statement
from precordia.core.findings import Finding, Measurements
from precordia.generation.sanitize import clean
from precordia.generation.written.proof import Reading, read_sentence
from precordia.generation.written.sentences import Claimed, parse_reply
from precordia.generation.written.stated import StatedNumber
from precordia.judgement import measured
from precordia.judgement.judge import UNSURE_NUMBER, Judgement
from precordia.judgement.reconcile import exclusions, in_words
from precordia.judgement.votes import Voter, lineage

Policy = Literal["drop", "ask again"]
Verdict = Literal["proved", "reworded", "repeated", "unsupported", "contradicted"]
VERDICTS: Final[tuple[Verdict, ...]] = ("proved", "reworded", "repeated", "unsupported", "contradicted")
MOST_ASKED_AGAIN: Final = 12
"""Statements that a model is asked to put right, at most."""


@dataclass(frozen=True)
class Checked:
    """A sentence of a model with its verdict.

    Attributes:
        claim: The sentence.
        verdict: What it is worth.
        statements: What is said for it: itself with its evidence, the plain statements, or nothing.
        why: What speaks against it, or is lacking, for people.
        false_citations: How many precedents and measurements it names that do not bear it out.
    """

    claim: Claimed
    verdict: Verdict
    statements: tuple[Statement, ...] = ()
    why: tuple[str, ...] = ()
    false_citations: int = 0


class Examiner:
    """Holds a model's sentences to a plain draft, one after the other.

    Args:
        plain: What is said without a model, with its evidence.
        prompt: What the model was shown.
        judgement: Of the ECG; tells what contradicts it from what it merely does not bear out.
    """

    def __init__(self, plain: Draft, prompt: Prompt, judgement: Judgement) -> None:
        self._plain, self._prompt, self._judgement = plain.statements, prompt, judgement
        self._measured: Measurements = judgement.evidence.measurements
        self._read = tuple(read_sentence(s.text) for s in self._plain)
        self._stating: dict[str, set[int]] = {}
        """A finding to the plain statements that say it, or more than it."""
        self._held: dict[str, Finding] = {}
        """A finding to the first that is borne out and implies it."""
        self._denied: dict[str, set[int]] = {}
        for i, statement in enumerate(self._plain):
            for finding in statement.findings:
                if finding.status == "absent":
                    self._denied.setdefault(finding.concept, set()).add(i)
                    continue
                for concept in lineage(finding.concept):
                    self._stating.setdefault(concept, set()).add(i)
                    self._held.setdefault(concept, finding)
        for concern in judgement.concerns:
            for concept in lineage(concern.concept):
                self._held.setdefault(concept, Finding(concern.concept))
        self._said: set[int] = set()
        self._told: set[str] = set()

    @property
    def rest(self) -> tuple[Statement, ...]:
        """The plain statements that no sentence examined so far has said."""
        return tuple(self._less_told(s) for i, s in enumerate(self._plain) if i not in self._said)

    def examine(self, claim: Claimed) -> Checked:
        """The verdict on a sentence; what it adds counts as said from then on."""
        read = read_sentence(claim.text)
        numbers = (replace(n, measured=getattr(self._measured, n.name)) for n in read.numbers)
        read = replace(read, numbers=tuple(numbers))
        against, gaps, matched = self._hold(read)
        wrong = self._false_citations(claim, read)
        if against:
            return Checked(claim, "contradicted", why=tuple(against), false_citations=wrong)
        if gaps:
            return Checked(claim, "unsupported", why=tuple(gaps), false_citations=wrong)
        names = {number.name for number in read.numbers}
        if matched <= self._said and names <= self._told:
            return Checked(claim, "repeated", false_citations=wrong)
        verdict: Verdict = "proved" if self._is_proved(read, matched) else "reworded"
        if verdict == "proved":
            statements: tuple[Statement, ...] = (self._as_written(claim.text, read, matched),)
        else:
            statements = self._in_plain_words(read, matched)
        self._said |= matched
        self._told |= names
        if self._prompt.question is None:
            self._said |= {
                i for i, s in enumerate(self._plain) if _is_of_numbers(s) and set(s.measurements) <= self._told
            }
        return Checked(claim, verdict, statements, false_citations=wrong)

    def follow(self, pieces: Generator[str, None, Reply], tell: Callable[[Sequence[Statement]], None]) -> Reply:
        """A reply while it is written: what each of its sentences adds is told as soon as it is whole and stands."""
        text, done = "", 0
        while True:
            try:
                text += next(pieces)
            except StopIteration as end:
                reply: Reply = end.value
                return reply
            # The last sentence may go on; what stands before it does not change any more.
            claims = parse_reply(text).claims[:-1]
            for claim in claims[done:]:
                tell(self.examine(claim).statements)
            done = max(done, len(claims))

    def _hold(self, read: Reading) -> tuple[list[str], list[str], set[int]]:
        """What speaks against a sentence, what it lacks, and the plain statements that it says."""
        against: list[str] = []
        gaps: list[str] = []
        matched: set[int] = set()
        for finding in read.findings:
            places = self._places(finding)
            matched |= places
            if not places:
                objection = self._objection(finding)
                (against if objection else gaps).append(objection or f"{in_words(finding)} is not borne out")
        for number in read.numbers:
            sure = self._measured.confidence.get(number.name, 1.0) >= UNSURE_NUMBER
            if number.measured is None or not sure:
                gaps.append(
                    str(number) if number.measured is None else f"{number.name} was measured with little confidence"
                )
            elif not number.agrees:
                against.append(str(number))
        if not read.findings and self._prompt.question is not None:
            matched |= self._answered_by(read.numbers)
            if read.numbers and not matched and not against:
                gaps.append("it does not answer the question")
        if read.particle:
            yes, no = (any(s.text.startswith(word) for s in self._plain) for word in ("Yes", "No"))
            if (read.particle == "yes" and no and not yes) or (read.particle == "no" and yes and not no):
                against.append(f"the answer is not {read.particle}")
            elif not read.findings and not read.numbers and (yes or no):
                matched |= set(range(len(self._plain)))
        if not matched and not read.numbers and not against and not gaps:
            gaps.append("states neither a finding nor a measurement that can be checked")
        return against, gaps, matched

    def _places(self, finding: Finding) -> set[int]:
        """The plain statements that say a finding, or more than it."""
        if finding.status != "absent":
            return self._stating.get(finding.concept, set())
        return {i for concept in lineage(finding.concept) for i in self._denied.get(concept, ())}

    def _answered_by(self, numbers: Sequence[StatedNumber]) -> set[int]:
        names = {number.name for number in numbers}
        return {i for i, s in enumerate(self._plain) if names and _is_of_numbers(s) and set(s.measurements) <= names}

    def _objection(self, finding: Finding) -> str | None:
        """Why a finding that is not said is not merely unsupported."""
        if finding.status == "absent":
            held = self._held.get(finding.concept)
            return f"{in_words(held)} is borne out" if held is not None else None
        denied = next((concept for concept in self._denied if concept in lineage(finding.concept)), None)
        if denied is not None:
            return f"{in_words(Finding(denied))} is denied"
        said = [f for s in self._plain for f in s.findings if f.status != "absent"]
        said += [s.finding for s in self._judgement.said]
        pairs = exclusions([finding.concept, *(f.concept for f in said)])
        clash = next((f for f in said if frozenset((finding.concept, f.concept)) in pairs), None)
        if clash is not None:
            return f"{in_words(clash)} excludes it"
        standing = self._judgement.standing(finding.concept)
        if standing.ruled_out or standing.against:
            return standing.against[0] if standing.against else f"the QRS complex makes {in_words(finding)} meaningless"
        if len(standing.vote.denying) > len(standing.vote.agreeing):
            n = len(self._judgement.evidence.jury)
            return f"{len(standing.vote.denying)} of {n} precedents deny {in_words(Finding(finding.concept))}"
        return None

    def _is_proved(self, read: Reading, matched: set[int]) -> bool:
        """Whether a sentence may stand as it is: whole, and the same as what the plain statements say in their own words."""
        if not read.whole or not all(number.exact for number in read.numbers):
            return False
        if read.numbers and len(self._prompt.recordings) > 1:
            return False  # of which ECG?
        if read.particle and not all(self._plain[i].text.lower().startswith(read.particle) for i in matched):
            return False
        if not read.findings:
            return self._prompt.question is None and bool(read.numbers)
        plain = [self._read[i] for i in sorted(matched)]
        # A plain statement that says more than findings (leads, ranges, what has changed) is said in its own words.
        return all(p.whole and not p.numbers for p in plain) and read.keys == frozenset().union(
            *(p.keys for p in plain)
        )

    def _as_written(self, text: str, read: Reading, matched: set[int]) -> Statement:
        from_plain = [self._plain[i] for i in sorted(matched)]
        confidences = [s.confidence for s in from_plain]
        # Each finding's nearest precedent before any finding's second.
        cited = [c for rank in zip_longest(*(s.citations for s in from_plain)) for c in rank if c is not None]
        names = [n for s in from_plain for n in s.measurements] + [number.name for number in read.numbers]
        return Statement(
            text,
            tuple(f for s in from_plain for f in s.findings),
            tuple(dict.fromkeys(cited)),
            tuple(dict.fromkeys(names)),
            min((s.support for s in from_plain), default=1.0),
            None if None in confidences else min((c for c in confidences if c is not None), default=None),
            tuple(dict.fromkeys(w for s in from_plain for w in s.warnings)),
        )

    def _in_plain_words(self, read: Reading, matched: set[int]) -> tuple[Statement, ...]:
        said = [self._plain[i] for i in sorted(matched - self._said)]
        names = tuple(dict.fromkeys(n.name for n in read.numbers if n.name not in self._told))
        if names and self._prompt.question is None:
            text = ", ".join(measured.in_words(name, self._measured) for name in names)
            said.append(Statement(f"{text}.", measurements=names, support=1.0))
        return tuple(said)

    def _less_told(self, plain: Statement) -> Statement:
        """A statement of a report's numbers, without those that were told already."""
        names = tuple(name for name in plain.measurements if name not in self._told)
        if self._prompt.question is not None or not _is_of_numbers(plain) or len(names) == len(plain.measurements):
            return plain
        text = ", ".join(measured.in_words(name, self._measured) for name in names)
        return replace(plain, text=f"{text}.", measurements=names)

    def _false_citations(self, claim: Claimed, read: Reading) -> int:
        """How much of what a model names as evidence is none."""
        shown = (*self._prompt.hits, *self._prompt.earlier)
        known = {f.name for f in fields(self._measured)}
        present = [f for f in read.findings if f.status != "absent"]
        wrong = sum(name not in known or getattr(self._measured, name) in (None, {}) for name in claim.measurements)
        for number in claim.precedents:
            there = 1 <= number <= len(shown)
            voter = Voter(shown[number - 1], 1.0) if there else None
            wrong += voter is None or bool(present and not any(voter.says(f.concept) for f in present))
        return wrong


def ground(
    text: str,
    plain: Draft,
    prompt: Prompt,
    judgement: Judgement,
    policy: Policy = "drop",
    *,
    author: str = "language model",
    complete: bool = True,
    ask: Callable[[Prompt], str] | None = None,
) -> Draft:
    """The reply as a draft whose every word is proved or our own.

    Args:
        text: The model's reply.
        plain: What is said without it.
        prompt: What it was shown.
        judgement: Of the ECG.
        policy: "drop" leaves out what is not borne out; "ask again" first shows the model once what that was.
        author: The model's name.
        complete: Say what the model left out as well, in plain words. Without it the model chooses too.
        ask: Asks the model; needed for "ask again".

    The draft abstains when nothing of the reply stands.
    """
    reply = parse_reply(text)
    examiner = Examiner(plain, prompt, judgement)
    checked = [examiner.examine(claim) for claim in reply.claims]
    failed = [item for item in checked if item.verdict in ("unsupported", "contradicted")]
    if policy == "ask again" and failed and ask is not None:
        second = ask(_again(prompt, text, failed))
        draft = ground(second, plain, prompt, judgement, author=author, complete=complete)
        return replace(draft, details={**draft.details, "asked_again": str(len(failed))})
    kept = tuple(statement for item in checked for statement in item.statements)
    rest = examiner.rest if complete and kept else ()
    reason = None
    if not kept:
        reason = (
            "the language model is not sure" if reply.abstained else "nothing that the language model said is borne out"
        )
    return Draft(
        (*kept, *rest),
        abstained=reason is not None,
        reason=reason,
        measurements=plain.measurements,
        hits=prompt.hits,
        earlier=prompt.earlier,
        author=author,
        warnings=told(checked, unsure=reply.abstained and bool(kept)),
        details={**counts(checked), "added": str(len(rest))},
    )


def counts(checked: Sequence[Checked]) -> dict[str, str]:
    """How many sentences had each verdict, and how much was cited that is no evidence."""
    n = Counter(item.verdict for item in checked)
    found: dict[str, str] = {verdict: str(n[verdict]) for verdict in VERDICTS}
    return {**found, "false_citations": str(sum(item.false_citations for item in checked))}


def told(checked: Sequence[Checked], *, unsure: bool = False) -> tuple[str, ...]:
    """What became of a model's sentences, for people."""
    n = Counter(item.verdict for item in checked)
    lines = []
    if n["unsupported"] or n["contradicted"]:
        lines.append(
            f"{n['unsupported'] + n['contradicted']} of {len(checked)} statements of the language model were left out: "
            f"{n['unsupported']} without support, {n['contradicted']} contradicted"
        )
    if n["reworded"]:
        lines.append(
            f"{n['reworded']} of {len(checked)} statements of the language model are said in canonical words: "
            "more was in them than is borne out"
        )
    if unsure:
        lines.append("The language model is not sure; what it said is borne out all the same")
    return tuple(lines)


def _is_of_numbers(statement: Statement) -> bool:
    return not statement.findings and bool(statement.measurements)


def _again(prompt: Prompt, reply: str, failed: Sequence[Checked]) -> Prompt:
    """The prompt with the reply and what was wrong with it."""
    lines = [
        f"- {clean(item.claim.text, max_chars=200).text} ({'; '.join(item.why)})" for item in failed[:MOST_ASKED_AGAIN]
    ]
    wrong = "\n".join(lines)
    request = (
        f"These statements are not supported by the evidence:\n{wrong}\n"
        "Write the JSON again without them, or put right what the evidence supports. Say nothing else."
    )
    messages = (*prompt.messages, Message("assistant", clean(reply, max_chars=4000).text), Message("user", request))
    return replace(prompt, messages=messages)
