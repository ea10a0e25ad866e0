"""``precordia build``: an archive of ECG files to a knowledge base, or what that would do."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, redirect_stdout
from glob import has_magic
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from precordia.cli.console import add_json_option, add_kb_option, file_to_write, kb_path, note, print_json, progress
from precordia.core.errors import InputError, UnreadableRecordingError, UsageError
from precordia.engine.cluster import Cluster
from precordia.engine.executors import executor_of
from precordia.signals.door import STRIDE_S

if TYPE_CHECKING:
    from precordia.knowledge_base import KnowledgeBase


INDEXES_OFFERED: Final = {"faiss": "by size", "faiss-gpu": "faiss-gpu", "milvus": "milvus"}
"""What ``--index`` offers, to what a manifest says."""

FEW: Final = 64
"""Files that one process reads sooner than several have started."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.add_argument("archive", nargs="?", help="a folder, file or glob of ECG recordings")
    parser.add_argument("--reports", metavar="FILE", help="a CSV, XLSX or Parquet table with reports, joined by id")
    parser.add_argument(
        "--mapping", metavar="JSON", help="which column of --reports is what (known archives need none)"
    )
    parser.add_argument("--where", metavar="SQL", help="take only the rows of --reports for which this is true")
    parser.add_argument(
        "--fs", type=float, metavar="HZ", help="sampling rate of arrays (CSV, NPY, HDF5) that do not say it"
    )
    parser.add_argument("--units", metavar="UNIT", help="unit of arrays that do not say it: mV, uV or V")
    parser.add_argument("--leads", metavar="NAMES", help='leads of arrays that do not name them: "I II III aVR ..."')
    parser.add_argument("--dry-run", action="store_true", help="say what a build would do, and do nothing")
    parser.add_argument(
        "--suggest-mapping",
        type=file_to_write,
        metavar="FILE",
        help="with --dry-run: write a mapping of the report table to start from",
    )
    parser.add_argument("--encoder", default="default", help="name or folder of the ECG encoder")
    parser.add_argument(
        "--index",
        choices=list(INDEXES_OFFERED),
        help="what searches its vectors, chosen when it is made (default: faiss; faiss-gpu needs a device, milvus a server)",
    )
    parser.add_argument(
        "--index-uri",
        metavar="URI",
        help="where Milvus answers, http://HOST:PORT[#NAME[/PART]]; credentials in $PRECORDIA_INDEX_TOKEN",
    )
    parser.add_argument("--workers", type=int, help="processes (default: one a core)")
    parser.add_argument(
        "--engine",
        "--executor",
        dest="engine",
        metavar="NAME[=ADDRESS]",
        default="local",
        help="what runs the shards: local, processes of this machine; or ray, a cluster (at ADDRESS, else $RAY_ADDRESS)",
    )
    parser.add_argument(
        "--gpus",
        type=float,
        default=0,
        metavar="N",
        help="with --engine ray: GPUs that encode in bf16 for all workers (0.5: half of one)",
    )
    parser.add_argument(
        "--refit", action="store_true", help="fit the models of the archive's findings anew, also where little is new"
    )
    parser.add_argument(
        "--reembed",
        action="store_true",
        help="without an archive: embed the stored signals anew with --encoder, where the former one is no more",
    )
    parser.add_argument(
        "--stride",
        type=float,
        metavar="S",
        default=STRIDE_S,
        help="of recordings of more than minutes: seconds from one window that is kept as a case of its own to the next, beside "
        "those that show events (default: %(default)g; 0 keeps those alone, 10 every second of it)",
    )
    parser.add_argument(
        "--watch",
        action="store_true",
        help="go on: add what arrives in the folder, a minute after it has, until interrupted",
    )
    parser.add_argument(
        "--dicom-port",
        type=int,
        metavar="PORT",
        help="with --watch: take ECGs that are sent by DICOM (C-STORE) into the folder",
    )
    parser.add_argument("--dicom-host", default="127.0.0.1", metavar="ADDRESS", help="address to take them on")
    parser.add_argument("--dicom-title", default="PRECORDIA", metavar="TITLE", help="AE title to take them under")
    parser.add_argument(
        "--dicom-from",
        action="append",
        default=[],
        metavar="TITLE",
        help="an AE title that may send; all when none is named",
    )
    add_kb_option(parser)
    add_json_option(parser)
    parser.epilog = (
        "Running it again adds what is new; an interrupted build goes on where it stopped. "
        "Recordings that cannot be used are kept with their reason: precordia inspect --kb DIR --rejects. "
        "A build that keeps nothing ends with exit code 1."
    )


def run(args: argparse.Namespace) -> int:
    """Build, add, or say what that would do."""
    if args.suggest_mapping and not args.dry_run:
        raise UsageError("--suggest-mapping goes with --dry-run: look at the mapping, then build with --mapping")
    if args.dicom_port is not None and not args.watch:
        raise UsageError("--dicom-port goes with --watch: what is sent is put into the folder that is watched")
    if args.watch:
        return _watch(args)
    return _preview(args) if args.dry_run else _build(args)


def _watch(args: argparse.Namespace) -> int:
    """Add what is in a folder, and what arrives, until interrupted."""
    from contextlib import nullcontext

    from precordia.indexing.watching import Watch, watch

    if args.archive is None or args.dry_run:
        raise UsageError("--watch needs a folder, and no --dry-run")
    folder = Path(args.archive)
    kb = _opened(args, kb_path(args))

    def add(files: Sequence[Path]) -> None:
        report = kb.add(
            files,
            reports=args.reports,
            mapping=args.mapping,
            where=args.where,
            workers=args.workers or (1 if len(files) < FEW else None),
            arrays=_arrays(args),
            stride_s=args.stride,
        )
        if args.json:
            print_json({"kb": kb.path, "n_cases": len(kb), **report.document()})
        else:
            note(report.summary())

    node: AbstractContextManager[int | None] = nullcontext()
    if args.dicom_port is not None:
        from precordia.serve.dicom_node import receiving

        node = receiving(
            folder, args.dicom_port, host=args.dicom_host, title=args.dicom_title, senders=tuple(args.dicom_from)
        )
    with node as port:
        note(f"watching {folder} for {kb.path} (Ctrl-C ends it)")
        if port is not None:
            note(f"taking ECGs by DICOM at {args.dicom_host}:{port} as {args.dicom_title}")
        watch(Watch(folder), add, told=note)
    return 0


def _build(args: argparse.Namespace) -> int:
    from precordia.indexing.jobs import Recorder
    from precordia.knowledge_base import KnowledgeBase

    path = kb_path(args)
    if args.reembed:
        return _reembed(args, path)
    if args.archive is None:
        if not args.refit:
            raise UsageError("name an archive to build from, or --refit or --reembed to work on what is there")
        return _refit(args, KnowledgeBase.open(path))
    _look_for_what_is_named(args)
    executor = executor_of(args.engine, Cluster(workers=args.workers, gpus=args.gpus, told=note))
    kb = _opened(args, path)
    # What others print meanwhile (Ray, of workers that died) is no result.
    with Recorder(kb.path, "build", str(Path(args.archive).absolute())) as record, redirect_stdout(sys.stderr):
        report = kb.add(
            args.archive,
            reports=args.reports,
            mapping=args.mapping,
            where=args.where,
            workers=args.workers,
            arrays=_arrays(args),
            executor=executor,
            stride_s=args.stride,
            progress=lambda shards, total: record.progress(
                progress(shards, total, "building", "shard"), total, "building", "shard"
            ),
        )
        record.tell(report.summary())
        if args.refit:
            record.stage("fitting")
            kb.refit()
    if report.join:
        note(report.join)
    if args.json:
        print_json({"kb": path, "n_cases": len(kb), **report.document()})
    else:
        note(report.summary())
        print(path)
    if report.kept_nothing:
        note(
            f"precordia build: nothing to keep in {args.archive}: {report.found()}; why: precordia inspect --kb {path} --rejects"
        )
        return 1
    return 0


def _opened(args: argparse.Namespace, path: Path) -> KnowledgeBase:
    from precordia.knowledge_base import KnowledgeBase

    index = INDEXES_OFFERED[args.index] if args.index else None
    return KnowledgeBase.open_or_create(path, encoder=args.encoder, index=index, index_uri=args.index_uri)


def _reembed(args: argparse.Namespace, path: Path) -> int:
    from precordia.knowledge_base import KnowledgeBase

    if args.archive is not None:
        raise UsageError("--reembed goes without an archive: it embeds the signals that are there")
    kb = KnowledgeBase.reembed(path, encoder=args.encoder, progress=progress)
    if args.json:
        print_json({"kb": kb.path, "n_cases": len(kb), "encoder": kb.manifest.encoder})
    else:
        note(f"{len(kb)} cases embedded with {kb.manifest.encoder} ({kb.manifest.encoder_fingerprint[:12]})")
        print(kb.path)
    return 0


def _refit(args: argparse.Namespace, kb: KnowledgeBase) -> int:
    from precordia.indexing.jobs import Recorder

    with Recorder(kb.path, "refit"):
        kb.refit()
    taught = kb.knowledge().document()
    if args.json:
        print_json({"kb": kb.path, "n_cases": len(kb), "taught": taught})
    else:
        for name, value in taught.items():
            note(f"{name}: {value}")
        print(kb.path)
    return 0


def _look_for_what_is_named(args: argparse.Namespace) -> None:
    """A mistyped path must not leave an empty knowledge base behind."""
    for option in ("reports", "mapping"):
        given = getattr(args, option)
        if given and not Path(given).is_file():
            raise InputError(f"{given}: no such file; check what --{option} names")
    if not has_magic(str(args.archive)) and not Path(args.archive).exists():
        raise UnreadableRecordingError(f"{args.archive}: there is no such file or folder")


def _preview(args: argparse.Namespace) -> int:
    from precordia.indexing.intake import take_in
    from precordia.indexing.preview import preview
    from precordia.records.readers.sidecar import assuming

    if args.archive is None:
        raise UsageError("name an archive to look at")
    arrays = _arrays(args)
    with assuming(arrays):
        mapping = _suggested(args) if args.suggest_mapping else args.mapping
        intake = take_in(args.archive, args.reports, mapping, args.where)
        found = preview(intake, encoder=args.encoder, workers=args.workers, arrays=arrays)
    if args.json:
        print_json(found.document())
    else:
        print("\n".join(found.lines()))
    if not found.n_recordings:
        note(f"precordia build: no recordings found in {args.archive}")
        return 1
    return 0


def _suggested(args: argparse.Namespace) -> dict[str, Any]:
    """A mapping to start from, written to the file asked for."""
    from precordia.records.scan import scan
    from precordia.records.sheets.columns import load_table
    from precordia.records.sheets.known import known_table
    from precordia.records.tables.join import suggest_mapping

    refs = scan(args.archive)
    known = known_table([args.archive], refs[0].path if refs else None)
    if args.reports is None and known is None:
        raise UsageError("--suggest-mapping needs the table that it is for: name it by --reports")
    table = args.reports or str(known[0] if known else "")
    document = suggest_mapping(load_table(Path(table)), table, refs).document()
    args.suggest_mapping.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    note(f"wrote {args.suggest_mapping}: look it through, then build with --mapping {args.suggest_mapping}")
    return document


def _arrays(args: argparse.Namespace) -> dict[str, Any]:
    """What the options say of arrays."""
    from precordia.records.channels import mv_per_unit
    from precordia.records.limits import check_fs

    said: dict[str, Any] = {}
    if args.fs is not None:
        said["fs"] = check_fs("--fs", args.fs)
    if args.units is not None:
        if mv_per_unit(args.units) is None:
            raise UsageError(f"--units {args.units}: no voltage; give mV, uV or V")
        said["units"] = args.units
    if args.leads is not None:
        said["leads"] = [name for name in re.split(r"[,;\s]+", args.leads) if name]
    return said
