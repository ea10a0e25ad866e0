"""``own`` or ``own:NAME``: the small language model that comes with the package, or one trained here.

It sees the ECG itself, through the encoder that it was trained with, and beside it the measurements and precedents of the
prompt; the words of the prompt's messages it does not read. It writes canonical statements and nothing else: a report is
held to the statements it was trained on, an answer to the choices there are. What it writes is then grounded as any
model's words are.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from precordia.concepts import label_report, statement_of, vocabulary
from precordia.core.drafts import Prompt, Reply
from precordia.core.errors import CheckpointError, LanguageModelError, UsageError
from precordia.core.findings import Finding
from precordia.generation.questions import Question, read_question
from precordia.judgement import votes
from precordia.language_models.cache import key_of
from precordia.language_models.chat import ChatLanguageModel
from precordia.language_models.settings import LanguageModelSettings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from precordia.encoders.encoder import SignalEncoder
    from precordia.language_models.own_model.context import Shown
    from precordia.language_models.own_model.model import OwnModel
    from precordia.language_models.tuned.model import TunedModel

DECODING: Final = 2
"""How words come of the weights; counted on where that changes, so that replies kept before are not given again."""


def load(rest: str, settings: LanguageModelSettings) -> OwnLanguageModel:
    """The model of a name or a checkpoint's folder.

    Raises:
        UsageError: no name is given and no weights come with the package.
        UnknownNameError: there is neither.
        CheckpointError: the checkpoint is damaged.
        CheckpointError: it was trained with another encoder than the one there is.
    """
    from precordia.encoders import load_encoder
    from precordia.language_models.own_model.checkpoint import load_model, shipped

    if rest in ("", "default") and "default" not in shipped():
        raise UsageError(
            "language model own: no weights come with this version; train them with `precordia train --task report`, then "
            "give own:FOLDER"
        )
    model = load_model(rest or "default")
    encoder = load_encoder(model.encoder)
    if encoder.fingerprint != model.encoder_fingerprint:
        raise CheckpointError(
            f"language model own:{rest or 'default'}: trained with encoder {model.encoder_fingerprint}, but encoder "
            f"{model.encoder!r} is {encoder.fingerprint}; train it again with `precordia train --task report`"
        )
    return OwnLanguageModel(model, encoder, f"own:{rest or 'default'}", settings)


class OwnLanguageModel(ChatLanguageModel):
    """A model of our own behind the interface of the others. Deterministic, so that nothing is tried again.

    Args:
        model: The model.
        encoder: The encoder that it was trained with.
        name: For drafts and results.
        settings: Where replies are kept; there is nothing to sample, wait for or retry.
    """

    def __init__(
        self,
        model: OwnModel | TunedModel,
        encoder: SignalEncoder,
        name: str,
        settings: LanguageModelSettings | None = None,
    ) -> None:
        super().__init__(cast(Any, None), name, settings)
        self._model = model
        self._encoder = encoder

    def reply(self, prompt: Prompt) -> Reply:
        """A report in canonical statements, or an answer.

        Raises:
            LanguageModelError: the question is about two ECGs, or about no finding.
        """
        found = self.complete_many([prompt])[0]
        if isinstance(found, LanguageModelError):
            raise found
        return found

    def complete_many(
        self, prompts: Sequence[Prompt], progress: Callable[[int], None] | None = None
    ) -> list[Reply | LanguageModelError]:
        """Replies in the order of the prompts, written side by side; kept by what the model is shown."""
        started = time.perf_counter()
        found: dict[int, Reply | LanguageModelError] = {}
        shown: dict[int, Shown] = {}
        for i, prompt in enumerate(prompts):
            try:
                shown[i] = self.shown(prompt)
            except LanguageModelError as error:
                found[i] = error
                continue
            kept = self._cache.get(self._key_of(prompt, shown[i]))
            if kept is not None:
                found[i] = kept
        fresh = [i for i in shown if i not in found]
        written = self._written({i: (prompts[i], shown[i]) for i in fresh})
        seconds = round((time.perf_counter() - started) / max(1, len(fresh)), 4)
        for i, text in written.items():
            if isinstance(text, LanguageModelError):
                found[i] = text
            elif text:
                found[i] = Reply(text, latency_s=seconds)
                self._cache.put(self._key_of(prompts[i], shown[i]), Reply(text, latency_s=seconds))
            else:
                found[i] = LanguageModelError(f"language model {self.name}: wrote nothing; use --llm none")
        if progress is not None:
            progress(len(found))
        return [found[i] for i in range(len(prompts))]

    def _written(self, asked: Mapping[int, tuple[Prompt, Shown]]) -> dict[int, str | LanguageModelError]:
        """What the model writes: reports together, answers by choice together, other answers one by one."""
        reports = [i for i, (prompt, _) in asked.items() if prompt.question is None]
        choices = [i for i, (prompt, _) in asked.items() if prompt.question is not None and prompt.choices]
        out: dict[int, str | LanguageModelError] = {}
        out |= zip(reports, self._model.report([asked[i][1] for i in reports]), strict=True)
        texts = self._model.answer(
            [asked[i][1] for i in choices],
            [str(asked[i][0].question) for i in choices],
            [asked[i][0].choices for i in choices],
        )
        out |= zip(choices, texts, strict=True)
        for i, (prompt, shown) in asked.items():
            if i not in out:
                try:
                    out[i] = self._answer(shown, read_question(str(prompt.question)))
                except LanguageModelError as error:
                    out[i] = error
        return out

    def _key_of(self, prompt: Prompt, shown: Shown) -> str:
        """Of everything that a reply depends on: the model, and what it sees of the prompt."""
        digest = hashlib.sha256(repr((shown.measured, shown.precedents, shown.ecg_tokens)).encode())
        for values in (shown.vector, shown.steps):
            digest.update(b"" if values is None else values.tobytes())
        options = {
            "model": self._model.fingerprint,
            "decoding": DECODING,
            "question": prompt.question,
            "choices": prompt.choices,
        }
        return key_of(self.name, {**options, "shown": digest.hexdigest()}, ())

    def stream(self, prompt: Prompt) -> Generator[str, None, Reply]:
        """The reply, in one piece. Raises as :meth:`reply`."""
        reply = self.reply(prompt)
        yield reply.text
        return reply

    def shown(self, prompt: Prompt) -> Shown:
        """What the model sees of a prompt; a prompt without its ECG shows measurements and precedents alone.

        Raises:
            LanguageModelError: the prompt is about two ECGs.
        """
        from precordia.language_models.own_model.context import Shown, measured_words
        from precordia.language_models.own_model.features import features_of
        from precordia.language_models.own_model.material import canonical

        if len(prompt.recordings) > 1:
            raise LanguageModelError(
                f"language model {self.name}: reads one ECG at a time; use --llm none to compare two"
            )
        vector: NDArray[np.float32] | None = None
        in_time: NDArray[np.float16] | None = None
        tokens: tuple[int, ...] = ()
        if prompt.recordings and self._model.sees.ecg != "none":
            vectors, steps = features_of(self._encoder, prompt.recordings)
            vector, in_time, tokens = vectors[0], steps[0], self._model.ecg_tokens(steps)[0]
        near = [(canonical(hit.case.findings), votes.similarity_of(hit)) for hit in prompt.hits]
        precedents = tuple((words, similarity) for words, similarity in near if words)
        return Shown(vector, tokens, measured_words(prompt.measurements), precedents, in_time)

    def _answer(self, shown: Shown, asked: Question) -> str:
        from precordia.language_models.own_model.questions import VERDICTS, is_there

        kinds = {concept: self._asked_as(concept) for concept in asked.concepts}
        if asked.concepts and all(kinds.values()) and asked.kind in ("verify", "choose"):
            parts = list(dict.fromkeys(part for found in kinds.values() for part in found))
            written = self._model.answer([shown] * len(parts), [is_there(c) for c in parts], [VERDICTS] * len(parts))
            verdicts = dict(zip(parts, written, strict=True))
            said = {concept: joined([verdicts[part] for part in found]) for concept, found in kinds.items()}
            return in_words(said, choose=asked.kind == "choose")
        if asked.concepts or asked.measures or asked.kind != "query":
            raise LanguageModelError(
                f"language model {self.name}: answers questions about findings that it was trained on; this is none"
            )
        report = self._model.report([shown])[0]
        if not asked.sections:
            return report
        kept = [s for s in report.removesuffix(".").split(". ") if _is_in(s, asked.sections)]
        return " ".join(f"{s}." for s in kept) or "Not sure."

    def _asked_as(self, concept: str) -> tuple[str, ...]:
        """The findings that the model was asked about in training: this one, else its kinds."""
        known = self._model.concepts
        return (concept,) if concept in known else tuple(c for c in known if concept in votes.lineage(c))


def joined(verdicts: Sequence[str]) -> str:
    """The verdict on a finding from those on its kinds: yes to any of them is yes, no to all of them is no.

    >>> joined(["no", "yes"]), joined(["no", "no"]), joined(["no", "not sure"])
    ('yes', 'no', 'not sure')
    """
    if "yes" in verdicts:
        return "yes"
    return "no" if all(verdict == "no" for verdict in verdicts) else "not sure"


def in_words(verdicts: dict[str, str], *, choose: bool = False) -> str:
    """Verdicts on findings as sentences that can be grounded.

    >>> in_words({"LBBB": "yes"}), in_words({"LBBB": "no"}), in_words({"LBBB": "not sure"})
    ('Yes: left bundle branch block.', 'No: no left bundle branch block.', 'Not sure.')
    """
    names = {concept: statement_of(Finding(concept)).rstrip(".") for concept in verdicts}
    present = [c for c, verdict in verdicts.items() if verdict == "yes"]
    absent = [c for c, verdict in verdicts.items() if verdict == "no"]
    if choose and present:
        return " ".join(f"{names[c][0].upper()}{names[c][1:]}." for c in present)
    said = [f"Yes: {names[c]}." for c in present] + [
        f"{'None of them' if choose else 'No'}: no {names[c]}." for c in absent
    ]
    return " ".join(said) or "Not sure."


def _is_in(sentence: str, sections: tuple[str, ...]) -> bool:
    known = vocabulary()
    return any(known.concept(f.concept).section in sections for f in label_report(sentence) if f.concept in known)
