"""``precordia inspect``: what is in an ECG file, or in a knowledge base."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from precordia.cli.console import add_json_option, add_kb_option, kb_path, print_json, say


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.add_argument(
        "path", nargs="?", help="an ECG file, or a knowledge base (default: the knowledge base of --kb)"
    )
    parser.add_argument(
        "--rejects", action="store_true", help="of a knowledge base: list what could not be used, and why"
    )
    add_kb_option(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Inspect and print."""
    from precordia.knowledge_base import is_knowledge_base

    path = Path(args.path) if args.path else kb_path(args)
    document = _knowledge_base(path, args.rejects) if not args.path or is_knowledge_base(path) else _recording(path)
    if args.json:
        print_json(document)
    else:
        for name, value in document.items():
            _print(name, value, 0)
    return 0


def _recording(path: Path) -> dict[str, Any]:
    from precordia.concepts import findings_from_codes, findings_from_measurements, label_report
    from precordia.core.documents import finding_document, measurements_document, quality_document, recording_document
    from precordia.measurements import measure
    from precordia.records.quality import assess
    from precordia.records.read import read_recording

    recording = read_recording(path)
    measurements = measure(recording)
    said = [f for text in (recording.report, *recording.vendor_statements) if text for f in label_report(text)]
    return {
        **recording_document(recording),
        "quality": quality_document(assess(recording)),
        "measurements": measurements_document(measurements),
        "findings": {
            "said": [finding_document(f) for f in dict.fromkeys([*said, *findings_from_codes(recording.codes)])],
            "measured": [finding_document(f) for f in findings_from_measurements(measurements)],
        },
    }


def _knowledge_base(path: Path, rejects: bool) -> dict[str, Any]:
    from precordia.knowledge_base import KnowledgeBase

    kb = KnowledgeBase.open(path)
    summary = kb.summary()
    return {**summary, "rejects": kb.rejects()} if rejects else summary


def _print(name: str, value: Any, indent: int) -> None:
    pad = "  " * indent
    if value is None or value == "" or (isinstance(value, (list, tuple, dict)) and not value):
        return
    if isinstance(value, dict):
        say(f"{pad}{name}:")
        for key, inner in value.items():
            _print(str(key), inner, indent + 1)
    elif isinstance(value, (list, tuple)) and any(isinstance(item, dict) for item in value):
        say(f"{pad}{name}:")
        for item in value:
            say(f"{pad}  - " + ", ".join(f"{k} {_short(v)}" for k, v in item.items() if v not in (None, "", [], ())))
    else:
        say(f"{pad}{name}: {_short(value)}")


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(_short(item) for item in value)
    return str(value)
