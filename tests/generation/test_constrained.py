"""Replies of a local model are held to JSON or to a list: a model with random weights cannot get out of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from precordia.core.drafts import Message, Prompt
from precordia.core.errors import LanguageModelError
from precordia.generation.written.sentences import parse_reply
from precordia.language_models import LanguageModelSettings, load_language_model
from precordia.language_models.choices import TokenTrie
from precordia.language_models.constrained import (
    CannotSpell,
    automaton,
    listed,
    regex_of_schema,
    token_bytes,
)
from precordia.language_models.schema import schema_for, without_lengths

pytest.importorskip("outlines_core")
PROMPT = Prompt((Message("user", "Report."),))


@pytest.fixture(scope="module")
def random_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A one-layer GPT-2 over bytes, random weights."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    characters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {"<eos>": 0, **{c: i for i, c in enumerate(characters, 1)}}
    inner = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)  # type: ignore[assignment]
    inner.decoder = decoders.ByteLevel()  # type: ignore[assignment]
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="<eos>")
    torch.manual_seed(1)
    config = GPT2Config(
        vocab_size=len(vocabulary), n_positions=600, n_embd=16, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=0
    )
    folder = tmp_path_factory.mktemp("random")
    GPT2LMHeadModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def settings(**changed: Any) -> LanguageModelSettings:
    return LanguageModelSettings(**{"max_tokens": 90, "retries": 0, **changed})


@pytest.mark.parametrize("seed", range(3))
def test_random_weights_write_json_that_validates_within_their_tokens(random_folder: Path, seed: int) -> None:
    import torch

    model = load_language_model(f"hf:{random_folder}", settings(temperature=3.0))
    assert model is not None
    torch.manual_seed(seed)
    reply = model.reply(PROMPT)
    document = json.loads(reply.text)
    assert set(document) == {"statements", "abstain"}
    assert isinstance(document["abstain"], bool)
    for statement in document["statements"]:
        assert set(statement) == {"text", "precedents", "measurements"}
        assert isinstance(statement["text"], str)
        assert all(isinstance(n, int) for n in statement["precedents"])
        assert all(isinstance(name, str) for name in statement["measurements"])
    assert parse_reply(reply.text).abstained == document["abstain"]


def test_a_reply_is_heard_while_it_is_written_and_is_the_same(random_folder: Path) -> None:
    model = load_language_model(f"hf:{random_folder}", settings())
    again = load_language_model(f"hf:{random_folder}", settings())
    assert model is not None
    assert again is not None
    pieces, heard = model.stream(PROMPT), []
    while True:
        try:
            heard.append(next(pieces))
        except StopIteration as end:
            reply = end.value
            break
    assert len(heard) > 2
    assert "".join(heard).strip() == reply.text == again.reply(PROMPT).text
    assert reply.tokens_out == again.reply(PROMPT).tokens_out
    assert not reply.cut_off
    stopped = again.stream(replace(PROMPT, messages=(Message("user", "Report this."),)))
    next(stopped)
    stopped.close()  # who stops listening stops the model: it can be asked at once
    assert again.reply(replace(PROMPT, messages=(Message("user", "Again."),))).text


def test_what_time_cuts_off_is_a_reply_that_is_not_given_again(random_folder: Path) -> None:
    model = load_language_model(f"hf:{random_folder}", settings(timeout_s=1e-6))
    assert model is not None
    reply = model.reply(PROMPT)
    assert reply.cut_off
    assert reply.text == "{"
    assert not model.reply(PROMPT).cached


def test_random_weights_write_one_of_the_choices(random_folder: Path) -> None:
    import torch

    model = load_language_model(f"hf:{random_folder}", settings(temperature=3.0))
    assert model is not None
    choices = ("yes", "no", "not sure", "lead V1 (any)")
    said = set()
    for seed in range(6):
        torch.manual_seed(seed)
        said.add(model.complete(Prompt((Message("user", f"Is there noise? {seed}"),), choices=choices)))
    assert said <= set(choices)
    assert len(said) > 1


def test_a_reply_that_the_tokens_cannot_spell_is_refused() -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.WordLevel({"<unk>": 0, "<eos>": 1, "yes": 2}, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()  # type: ignore[assignment]
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="<unk>", eos_token="<eos>")
    assert listed(["yes"], tokenizer).allowed([], 5).tolist() == [2]
    with pytest.raises(CannotSpell, match="1 of the 2"):
        listed(["yes", "no"], tokenizer)


def test_a_list_is_part_of_what_a_kept_reply_depends_on(random_folder: Path) -> None:
    model = load_language_model(f"hf:{random_folder}", settings())
    assert model is not None
    assert model.complete(Prompt(PROMPT.messages, choices=("yes",))) == "yes"
    assert model.complete(Prompt(PROMPT.messages, choices=("no",))) == "no"


def test_too_few_tokens_for_the_shortest_reply_are_an_error(random_folder: Path) -> None:
    model = load_language_model(f"hf:{random_folder}", settings(max_tokens=8))
    assert model is not None
    with pytest.raises(LanguageModelError, match=r"LanguageModelError|max_tokens"):
        model.complete(PROMPT)


def test_without_structure_anything_may_be_written(random_folder: Path) -> None:
    model = load_language_model(f"hf:{random_folder}", settings(structured=False, max_tokens=30))
    assert model is not None
    with pytest.raises(ValueError):
        json.loads(model.complete(PROMPT))


class Words:
    """A tokenizer of whole words."""

    eos_token_id: int | None = 0
    all_special_ids = (0,)

    def __init__(self, *words: str) -> None:
        self._words = words

    def get_vocab(self) -> dict[str, int]:
        return {"<eos>": 0} | {word: i for i, word in enumerate(self._words, 1)}


def test_tokens_that_cannot_spell_json_are_refused() -> None:
    with pytest.raises(CannotSpell, match="cannot write"):
        automaton(regex_of_schema(without_lengths(schema_for(PROMPT))), Words("sinus", "rhythm"))


def test_a_tokenizer_without_an_end_is_refused() -> None:
    endless = Words("yes")
    endless.eos_token_id = None
    with pytest.raises(CannotSpell, match="end token"):
        automaton("(yes)", endless)


def test_only_what_can_still_be_closed_is_allowed() -> None:
    machine = automaton("x(abc|c)", Words("x", "a", "b", "c"))
    assert machine.shortest() == 3
    assert sorted(machine.allowed([1], 4).tolist()) == [2, 4]
    assert machine.allowed([1], 3).tolist() == [4]  # "a" would leave no room for "b", "c" and the end
    assert machine.allowed([1, 4], 1).tolist() == [0]


def test_tokens_of_every_kind_of_tokenizer_are_read() -> None:
    assert token_bytes(Words("Ġsinus", "Ċ")) == {b" sinus": [1], b"\n": [2]}
    assert token_bytes(Words("▁sinus", "<0x0A>")) == {b" sinus": [1], b"\n": [2]}


def test_a_trie_allows_one_reply_of_the_list() -> None:
    trie = TokenTrie([[1], [1, 2, 3], [4]], end=0)
    assert trie.allowed([]) == [1, 4]
    assert trie.allowed([1]) == [0, 2]
    assert trie.allowed([1, 2]) == [3]
    assert trie.allowed([1, 2, 3]) == [0]
    assert trie.allowed([9]) == [0]


def test_a_trie_allows_replies_one_after_the_other() -> None:
    trie = TokenTrie([[1], [1, 2], [4]], end=0, join=())
    assert trie.allowed([]) == [1, 4]
    assert trie.allowed([1]) == [0, 1, 2, 4]
    assert trie.allowed([1, 2]) == [0, 1, 4]
    joined = TokenTrie([[1], [4]], end=0, join=[7])
    assert joined.allowed([1]) == [0, 7]
    assert joined.allowed([1, 7]) == [1, 4]
    assert joined.allowed([1, 7, 4]) == [0, 7]


def test_a_reply_given_again_is_the_last() -> None:
    trie = TokenTrie([[1], [1, 2], [4]], end=0, join=())
    assert trie.allowed([1, 1]) == [0, 2]  # again, or the beginning of another
    assert trie.allowed([4]) == [0, 1, 4]
    assert trie.allowed([4, 4]) == [0]
    assert TokenTrie([[1], [4]], end=0, join=[7]).allowed([1, 7, 1]) == [0]


def test_an_empty_list_is_refused() -> None:
    with pytest.raises(Exception, match="choice"):
        TokenTrie([], end=0)


def test_replies_side_by_side_are_those_of_one_at_a_time(random_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec, held = f"hf:{random_folder}", settings(structured=False, max_tokens=20)
    prompts = [
        Prompt((Message("user", "Report."),)),
        Prompt((Message("user", "Is there a left bundle branch block?"),), choices=("no", "not sure", "yes")),
        Prompt((Message("user", "Is it?"),), choices=("a long reply", "none")),
    ]
    alone, together = load_language_model(spec, held), load_language_model(spec, held)
    assert alone is not None
    assert together is not None
    one_by_one = [alone.reply(prompt) for prompt in prompts]
    asked: list[int] = []
    chat: Any = together.chat
    side_by_side = chat.invoke_many
    monkeypatch.setattr(chat, "invoke_many", lambda a, h: asked.append(len(a)) or side_by_side(a, h))
    replies = together.complete_many([*prompts, prompts[0]])
    assert asked == [3]  # all of them at once, what is asked twice once
    for one, other in zip([*one_by_one, one_by_one[0]], replies, strict=True):
        assert not isinstance(other, LanguageModelError)
        assert (one.text, one.tokens_in, one.tokens_out) == (other.text, other.tokens_in, other.tokens_out)
    assert replies[1].text in prompts[1].choices  # type: ignore[union-attr]


def test_a_prompt_that_is_too_long_spoils_none_beside_it(random_folder: Path) -> None:
    model = load_language_model(f"hf:{random_folder}", settings(structured=False, max_tokens=20))
    assert model is not None
    short, long = Prompt((Message("user", "Report."),)), Prompt((Message("user", "x" * 700),))
    replies = model.complete_many([long, short])
    assert isinstance(replies[0], LanguageModelError)
    assert replies[1] == replace(model.reply(short), cached=replies[1].cached)  # type: ignore[union-attr]
