"""Constrained decoding for local models: a reply that is JSON of a schema, or one of a list, whatever the weights say.

A schema becomes a regular expression, and that an automaton over the model's own tokens (``outlines-core``). At each step
only tokens are left that the automaton goes on with and from which the reply can still be closed within the tokens that are
left: so it always is. A list becomes a trie (:mod:`~precordia.language_models.choices`): outlines-core 0.2.14
loses what follows a reply that another one begins with ("no", "not sure").
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from precordia.core.errors import LanguageModelError, MissingExtraError
from precordia.language_models.choices import TokenTrie

_BYTE: Final = re.compile(r"<0x([0-9A-Fa-f]{2})>")


class CannotSpell(LanguageModelError):
    """The model's vocabulary cannot write what is asked for."""


def regex_of_schema(schema: Mapping[str, Any]) -> str:
    """A regular expression of the JSON documents of a schema, at most one space between tokens.

    Raises:
        MissingExtraError: outlines-core is not installed.
    """
    try:
        from outlines_core.json_schema import (  # type: ignore[import-untyped,unused-ignore]
            build_regex_from_schema,
        )
    except ImportError:
        raise MissingExtraError("outlines-core", "llm", "replies of a local model in JSON") from None
    return str(build_regex_from_schema(json.dumps(schema), "[ ]?"))


class Held(Protocol):
    """What a reply is held to."""

    def shortest(self) -> int:
        """Fewest tokens that must be there, the closing one among them."""
        ...

    def allowed(self, written: Sequence[int], room: int) -> Any:
        """Tokens that may follow what was written, with ``room`` tokens left; a long tensor."""
        ...


@dataclass(eq=False)
class Automaton:
    """What may follow what, over a model's tokens.

    Attributes:
        start: First state.
        end: The token that closes a reply.
        next: State to token to state, ``end`` left out.
        to_go: State to the fewest tokens to a complete reply; states from which there is none are left out.
    """

    start: int
    end: int
    next: Mapping[int, Mapping[int, int]]
    to_go: Mapping[int, int]
    _columns: dict[int, tuple[Any, Any]] = field(default_factory=dict, repr=False)

    def shortest(self) -> int:
        """Fewest tokens of a whole reply, the closing one among them."""
        return self.to_go[self.start] + 1

    def allowed(self, written: Sequence[int], room: int) -> Any:
        """Tokens that may follow what was written, with ``room`` tokens left; a long tensor."""
        import torch

        state = self.start
        for token in written:
            state = self.next.get(state, {}).get(token, state)  # padding after the end leads nowhere
        if state not in self._columns:
            after = [(t, self.to_go[s]) for t, s in self.next.get(state, {}).items() if s in self.to_go]
            self._columns[state] = (
                torch.tensor([t for t, _ in after], dtype=torch.long),
                torch.tensor([d for _, d in after], dtype=torch.long),
            )
        tokens, distances = self._columns[state]
        found = tokens[distances + 2 <= room]
        if self.to_go.get(state) == 0:
            found = torch.cat([found, torch.tensor([self.end])])
        return found


@dataclass(eq=False)
class Listed:
    """One of a list of replies.

    Attributes:
        trie: Of their tokens.
        tokens: Of the longest, so that all of them fit.
    """

    trie: TokenTrie
    tokens: int

    def shortest(self) -> int:
        """Tokens that must be there for any of the replies, the closing one among them."""
        return self.tokens + 1

    def allowed(self, written: Sequence[int], room: int) -> Any:
        """Tokens that may follow what was written; a long tensor. ``room`` must hold every reply."""
        import torch

        return torch.tensor(self.trie.allowed(written), dtype=torch.long)


def listed(choices: Sequence[str], tokenizer: Any) -> Listed:
    """Replies of a list over a Hugging Face tokenizer's tokens.

    Raises:
        CannotSpell: a reply cannot be written with these tokens.
    """
    end = tokenizer.eos_token_id
    if end is None:
        raise CannotSpell("the model's tokenizer has no end token, so that no reply can be closed")
    ids = [tokenizer(choice, add_special_tokens=False)["input_ids"] for choice in choices]
    spelled = [tokenizer.decode(i, skip_special_tokens=True).strip() for i in ids]
    wrong = [choice for choice, text in zip(choices, spelled, strict=True) if choice.strip() != text]
    if wrong:
        raise CannotSpell(
            f"the model's vocabulary cannot write {len(wrong)} of the {len(choices)} replies that are allowed"
        )
    return Listed(TokenTrie(ids, int(end)), max(map(len, ids)))


def automaton(pattern: str, tokenizer: Any) -> Automaton:
    """The automaton of a regular expression over a Hugging Face tokenizer's tokens.

    Raises:
        MissingExtraError: outlines-core is not installed.
        CannotSpell: no reply can be written with these tokens.
    """
    try:
        from outlines_core import Index, Vocabulary  # type: ignore[import-untyped,unused-ignore]
    except ImportError:
        raise MissingExtraError("outlines-core", "llm", "replies of a local model in JSON") from None
    end = tokenizer.eos_token_id
    if end is None:
        raise CannotSpell("the model's tokenizer has no end token, so that no reply can be closed")
    try:
        index = Index(pattern, Vocabulary(end, token_bytes(tokenizer)))
    except Exception as error:  # the library raises ValueError, or a bare Exception of its own
        raise CannotSpell(f"the model's vocabulary cannot write what is asked for ({type(error).__name__})") from error
    finals = set(index.get_final_states())
    following = {s: {t: n for t, n in row.items() if t != end} for s, row in index.get_transitions().items()}
    to_go = _distances(following, finals)
    start = index.get_initial_state()
    if start not in to_go:
        raise CannotSpell("the model's vocabulary cannot write what is asked for")
    return Automaton(start, int(end), following, to_go)


def token_bytes(tokenizer: Any) -> dict[bytes, list[int]]:
    """What each token of a Hugging Face tokenizer writes, special tokens left out: byte-level, sentencepiece or plain."""
    plain = _byte_level()
    special = set(tokenizer.all_special_ids)
    vocabulary: Mapping[str, int] = tokenizer.get_vocab()
    byte_level = "Ġ" in vocabulary or all(
        c in plain for c in "".join(t for t, i in vocabulary.items() if i not in special)
    )
    out: dict[bytes, list[int]] = {}
    for token, number in sorted(vocabulary.items(), key=lambda item: item[1]):
        if number in special:
            continue
        byte = _BYTE.fullmatch(token)
        if byte:
            written = bytes([int(byte[1], 16)])
        elif byte_level:
            written = bytes(plain[c] for c in token if c in plain)
        else:
            written = token.replace("▁", " ").encode()
        if written:
            out.setdefault(written, []).append(int(number))
    return out


def held_to(machines: Sequence[Held | None], prompt_tokens: int, max_tokens: int) -> Any:
    """A logits processor of transformers that holds each reply to its form.

    Args:
        machines: Of what is allowed, one a reply; None for anything.
        prompt_tokens: Length of the prompts, padding at their beginning included.
        max_tokens: Most tokens of a reply, the closing one among them.

    Raises:
        LanguageModelError: a reply does not fit.
    """
    import torch
    from transformers import LogitsProcessor

    longest = max(machine.shortest() for machine in machines if machine is not None)
    if longest > max_tokens:
        raise LanguageModelError(f"a reply takes {longest} tokens, {max_tokens} are allowed; raise max_tokens")

    class Processor(LogitsProcessor):  # type: ignore[misc]
        def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
            masked = torch.full_like(scores, float("-inf"))
            for row, (ids, machine) in enumerate(zip(input_ids[:, prompt_tokens:].tolist(), machines, strict=True)):
                if machine is None:
                    masked[row] = scores[row]
                else:
                    allowed = machine.allowed(ids, max_tokens - len(ids)).to(scores.device)
                    masked[row, allowed] = scores[row, allowed]
            return masked

    return Processor()


def _distances(following: Mapping[int, Mapping[int, int]], finals: set[int]) -> dict[int, int]:
    """Fewest tokens from each state to a final one."""
    before: dict[int, set[int]] = {}
    for state, row in following.items():
        for after in set(row.values()):
            before.setdefault(after, set()).add(state)
    found = dict.fromkeys(finals, 0)
    queue = deque(sorted(finals))
    while queue:
        state = queue.popleft()
        for earlier in sorted(before.get(state, ())):
            if earlier not in found:
                found[earlier] = found[state] + 1
                queue.append(earlier)
    return found


def _byte_level() -> dict[str, int]:
    """The characters that byte-level tokenizers write bytes as (Radford et al. 2019, ``bytes_to_unicode``)."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in shown]
    return {chr(b): b for b in shown} | {chr(256 + n): b for n, b in enumerate(others)}
