"""The JSON that a language model is asked to answer in."""

from __future__ import annotations

from typing import Any, Final

STATEMENTS_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "statements": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "text": {"type": "string"},
                    "precedents": {"type": "array", "items": {"type": "integer"}},
                    "measurements": {"type": "array", "items": {"type": "string"}},
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
"""Statements, each with the numbers of the precedents and the names of the measurements it rests on."""
