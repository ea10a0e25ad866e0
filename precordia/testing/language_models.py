"""What every language model must do: a test class inherits :class:`LanguageModelContract` and gives two ``make``."""

from __future__ import annotations

import pytest

from precordia.core.drafts import Message, Prompt
from precordia.core.errors import LanguageModelError
from precordia.core.protocols import LanguageModel


class LanguageModelContract:
    """A name, a reply, and an error where there is none."""

    prompt = Prompt((Message("user", "Say: sinus rhythm."),))

    def make(self) -> LanguageModel:
        raise NotImplementedError

    def make_failing(self) -> LanguageModel:
        """One that can give no reply: a server that is away, say."""
        raise NotImplementedError

    def test_it_has_a_name_of_one_line_and_replies_in_words(self) -> None:
        model = self.make()
        assert isinstance(model, LanguageModel)
        assert model.name
        assert "\n" not in model.name
        assert isinstance(model.reply(self.prompt).text, str)
        assert model.count_tokens("sinus rhythm") >= 1

    def test_the_same_prompt_has_the_same_reply(self) -> None:
        assert self.make().reply(self.prompt).text == self.make().reply(self.prompt).text

    def test_a_stream_ends_with_the_reply_that_its_pieces_make(self) -> None:
        pieces, said = self.make().stream(self.prompt), []
        while True:
            try:
                said.append(next(pieces))
            except StopIteration as end:
                reply = end.value
                break
        assert "".join(said).strip() == reply.text

    def test_no_reply_is_an_error_of_ours(self) -> None:
        with pytest.raises(LanguageModelError):
            self.make_failing().reply(self.prompt)
