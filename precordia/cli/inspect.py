"""``precordia inspect``: what is in an ECG file, or in a knowledge base."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from precordia.cli.console import add_json_option, add_kb_option, file_to_write, kb_path, note, print_json, say

if TYPE_CHECKING:
    from precordia.signals.pulse.pressure import Reading


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.add_argument(
        "path", nargs="?", help="an ECG file, or a knowledge base (default: the knowledge base of --kb)"
    )
    parser.add_argument(
        "--rejects", action="store_true", help="of a knowledge base: list what could not be used, and why"
    )
    parser.add_argument(
        "--audit",
        action="store_true",
        help="of a knowledge base: list who asked what, and say whether the list is whole",
    )
    parser.add_argument("--patient", metavar="KEY", help="with --audit: only what was shown of this patient")
    parser.add_argument(
        "--noted", metavar="HASH", help="with --audit: a last hash noted earlier, which must be in it still"
    )
    parser.add_argument(
        "--infer-leads",
        type=file_to_write,
        metavar="FILE",
        help="of an ECG of few leads: write a page with all twelve, those that a model drew marked",
    )
    parser.add_argument(
        "--calibration",
        metavar="FILE",
        help="of pulses of two sites: a CSV of this person's cuff, transit_ms and systolic_mmhg; without it no blood pressure",
    )
    parser.add_argument(
        "--draw-ecg",
        type=file_to_write,
        metavar="FILE",
        help="of a pulse: write a page with a synthetic ECG, watermarked, for looking at only",
    )
    add_kb_option(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Inspect and print."""
    from precordia.knowledge_base import is_knowledge_base

    path = Path(args.path) if args.path else kb_path(args)
    if args.audit:
        return _audit(path, args)
    if args.infer_leads:
        _infer_leads(path, args.infer_leads)
    whole = not args.path or is_knowledge_base(path)
    if args.rejects and not args.json:
        return _rejects(path)
    document = _knowledge_base(path, args.rejects) if whole else _signal(path, _readings(args))
    if args.draw_ecg:
        drawn = _draw_ecg(path, args.draw_ecg)
        document = {**document, "drawn": drawn if args.json else {"synthetic": True, "page": args.draw_ecg}}
    if args.json:
        print_json(document)
    else:
        for name, value in document.items():
            _print(name, value, 0)
    return 0


def _rejects(path: Path) -> int:
    """Print what could not be used, a line each: that is what was asked for, and its lines are many."""
    from precordia.knowledge_base import KnowledgeBase

    rejects = KnowledgeBase.open(path).rejects()
    for reject in rejects:
        source, reason = str(reject["source"]), str(reject["reason"])
        say(reason if source in reason else f"{source}: {reason}")
    note(f"{len(rejects)} not kept")
    return 0


def _audit(path: Path, args: argparse.Namespace) -> int:
    """Print the audit; exit code 1 where its chain is broken."""
    from precordia.knowledge_base import KnowledgeBase

    audit = KnowledgeBase.open(path).audit
    chain = audit.verify(args.noted)
    rows = audit.select(args.patient) if chain.whole else []
    if args.json:
        whole = {"whole": chain.whole, "n": chain.n, "head": chain.head, "problem": chain.problem}
        print_json({"chain": whole, "items": [row.document() for row in rows]})
    else:
        for row in rows:
            about = f"{len(row.cases)} cases of {len(row.patients)} patients" if row.cases else "no case"
            say(f"{row.time}  {row.actor}  {row.action}  {row.outcome}  {about}  {row.asked}".rstrip())
        note(f"{chain.n} rows, whole; the last hash is {chain.head}" if chain.whole else f"broken: {chain.problem}")
    return 0 if chain.whole else 1


def _infer_leads(path: Path, page: Path) -> None:
    """Write the page of an ECG with the leads that it lacks drawn beside those it has."""
    from precordia.generation.pages.leads_page import WARNING, render_leads
    from precordia.signals.leads.drawing import draw_leads
    from precordia.signals.opening import open_signal

    twelve = draw_leads(open_signal(path).recording)
    page.write_text(render_leads(twelve), encoding="utf-8")
    note(
        f"{page}: {', '.join(twelve.inferred_leads) or 'no lead'} inferred. {WARNING if twelve.inferred_leads else ''}"
    )


def _draw_ecg(path: Path, page: Path) -> dict[str, Any]:
    """Write the page of a synthetic ECG beside a pulse, and what JSON has of it."""
    from precordia.core.errors import UnusableSignalError
    from precordia.generation.pages.synthetic_page import render_synthetic
    from precordia.signals.pulse.synthetic import WARNING, draw_ecg
    from precordia.signals.pulse.table import pulses_in

    pulses = pulses_in(path)
    if pulses is None:
        raise UnusableSignalError(f"{path}: holds no pulse to draw an ECG beside")
    drawn = draw_ecg(pulses.best()[1], pulses.fs)
    page.write_text(render_synthetic(drawn, path.name), encoding="utf-8")
    note(f"{page}: {WARNING}")
    return drawn.document()


def _signal(path: Path, calibration: Sequence[Reading]) -> dict[str, Any]:
    from precordia.signals.inspecting import inspect_signal

    document, told = inspect_signal(path, calibration)
    if told:
        note(told)
    return document


def _readings(args: argparse.Namespace) -> tuple[Reading, ...]:
    from precordia.signals.pulse.pressure import read_calibration

    return read_calibration(args.calibration) if args.calibration else ()


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
