"""``precordia demo``: the whole story on simulated patients, offline."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from precordia.cli.console import add_json_option, note, print_json, progress

QUERY_DIAGNOSIS = ("SR", "CLBBB")
"""What the unseen patient of the demo has: a finding with an unmistakable shape, so that the precedents can be judged by eye."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.add_argument(
        "--out", metavar="DIR", default="demo", help="where the archive, the knowledge base and the page go"
    )
    parser.add_argument("--recordings", type=int, default=600, metavar="N", help="ECGs of the archive")
    parser.add_argument("--seed", type=int, default=1, help="of the simulation")
    parser.add_argument("--workers", type=int, help="processes (default: one a core)")
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Simulate, build, query, report."""
    from precordia.cli.report import print_draft
    from precordia.core.documents import draft_document
    from precordia.core.retrieval import Query
    from precordia.knowledge_base import KnowledgeBase
    from precordia.records.read import read_recording
    from precordia.simulation import simulate
    from precordia.simulation.hospital import write_archive
    from precordia.simulation.writers import WRITERS

    started = time.perf_counter()
    out = Path(args.out)
    archive = out / f"archive-{args.recordings}-{args.seed}"
    reports = archive / "reports.csv"
    if not reports.exists():
        write_archive(archive, args.recordings, args.seed)
    note(
        f"1. simulated {args.recordings} ECGs of patients who do not exist, in real file formats: {archive}  ({_since(started)})"
    )

    kb = KnowledgeBase.open_or_create(out / f"kb-{args.recordings}-{args.seed}")
    built = kb.add(
        archive,
        reports=reports,
        workers=args.workers,
        progress=lambda shards, total: progress(shards, total, "building", "shard"),
    )
    note(f"2. built the knowledge base {kb.path}: {built.summary()}  ({_since(started)})")

    (out / "unseen").mkdir(exist_ok=True)
    simulated = simulate(QUERY_DIAGNOSIS, seed=args.seed + 1_000_000, age=71, sex="F").recording
    unseen = WRITERS.get("wfdb")(out / "unseen" / "ecg", simulated)
    recording = read_recording(unseen)
    hits = kb.search(Query(recording, k=5))
    note(f"3. the five nearest cases of an unseen ECG, {unseen}")
    for hit in hits:
        note(f"   {hit.rank}  {hit.score:.3f}  {hit.case.recording_id}: {hit.case.report}")

    draft = kb.report(recording)
    page = out / "report.html"
    page.write_text(kb.page(draft, recording), encoding="utf-8")
    note(f"4. its draft report, every statement with its evidence  ({_since(started)})")
    if args.json:
        print_json({"kb": kb.path, "page": page, "n_cases": len(kb), **draft_document(draft)})
    else:
        print_draft(draft)
    note(f"5. the same as a page, with the ECG on paper: {page}")
    return 0


def _since(started: float) -> str:
    return f"{time.perf_counter() - started:.0f} s"
