"""The JSON that a language model is asked to answer in, no larger than the prompt has evidence for."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Final

from precordia.core.drafts import Prompt
from precordia.judgement.measured import MEASURES

MOST_STATEMENTS: Final = 12
LONGEST_STATEMENT: Final = 160
"""Characters: a sentence of a report."""
ONE_SENTENCE: Final = r"^[A-Z][A-Za-z0-9 ,:()°/+-]*\.$"
MOST_CITED: Final = 4
"""Precedents and measurements that one statement may name, each."""


def schema_for(prompt: Prompt) -> dict[str, Any]:
    """Statements, each with numbers of precedents that were shown and names of measurements that were measured.

    Every list and text has an end, so that a model that repeats itself stops.
    """
    numbers: list[object] = [n for n, _ in enumerate((*prompt.hits, *prompt.earlier), 1)]
    names: list[object] = [name for name in MEASURES if getattr(prompt.measurements, name) is not None]
    return {
        "type": "object",
        "properties": {
            "statements": {
                "type": "array",
                "maxItems": MOST_STATEMENTS,
                "items": {
                    "type": "object",
                    "properties": {
                        "text": {"type": "string", "maxLength": LONGEST_STATEMENT},
                        "precedents": _some_of(numbers, "integer"),
                        "measurements": _some_of(names, "string"),
                    },
                    "required": ["text", "precedents", "measurements"],
                    "additionalProperties": False,
                },
            },
            "abstain": {"type": "boolean"},
        },
        "required": ["statements", "abstain"],
        "additionalProperties": False,
    }


def without_lengths(schema: dict[str, Any]) -> dict[str, Any]:
    """The same for decoders that count by states: no longest text, no most statements, but one sentence a statement.

    They end a reply in time by themselves (:mod:`~precordia.language_models.constrained`); an automaton that counts the
    characters of twelve statements takes minutes to make.
    """
    copy = deepcopy(schema)
    statements = copy["properties"]["statements"]
    del statements["maxItems"], statements["items"]["properties"]["text"]["maxLength"]
    statements["items"]["properties"]["text"]["pattern"] = ONE_SENTENCE
    return copy


def _some_of(values: list[object], kind: str) -> dict[str, Any]:
    """A list of some of the values; an empty one where there is none."""
    items = {"type": kind, "enum": values} if values else {"type": kind}
    return {"type": "array", "items": items, "maxItems": min(MOST_CITED, len(values))}
