"""The command ``precordia``: finds the subcommand, runs it, and turns errors into one line and an exit code.

Exit codes: 0 done; 1 the work failed; 2 bad usage or unusable input. Results go to stdout, everything else to stderr.
A subcommand is a module of this package with ``configure(parser)`` and ``run(args) -> int``; it is imported only when
it is the one asked for, so that ``--help`` stays fast.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder

from precordia import __version__
from precordia.cli.console import note
from precordia.core.errors import InputError, PrecordiaError, UsageError, place_of

COMMANDS = {
    "demo": "build a simulated archive, query it and write a report with its evidence",
    "build": "turn an archive of ECG files into a knowledge base, or add to one",
    "search": "find the cases most like an ECG, or like a description in words",
    "report": "write a report of an ECG in which every statement cites its precedents",
    "ask": "answer a question about an ECG, or two, from precedents and measurements",
    "chat": "talk about an ECG and the archive over several turns",
    "inspect": "show what is in an ECG file, or in a knowledge base",
    "check": "compare everything in a knowledge base with its checksums, and repair it",
    "erase": "remove a patient from a knowledge base, physically",
    "adapt": "adapt the encoder to an archive by few labels, embed it anew, or undo that",
    "train": "train an encoder, a language model, or what else ships fitted",
    "eval": "run an evaluation task",
    "serve": "serve a knowledge base over HTTP, with its page",
}
"""Subcommand to its one line of help; the module has the same name."""

SPELLED = frozenset({"train"})
"""Subcommands that may be written in other ways: ``spelled(arguments)`` of their module gives the one that is parsed."""


CROWDED = frozenset({"build"})
"""Subcommands whose processes fill all cores: there, threads of numpy's linear algebra only wait for one another."""


ASKING = frozenset({"search", "report", "ask", "inspect"})
"""Subcommands that answer one question and end: what importing takes is most of what they take."""


def build_parser(command: str | None = None) -> argparse.ArgumentParser:
    """The argument parser; only ``command``, if given, has its options filled in."""
    parser = argparse.ArgumentParser(
        prog="precordia",
        description="The memory of an ECG archive: similar cases and retrieval-grounded reports. Not a medical device.",
    )
    parser.add_argument("--version", action="version", version=f"precordia {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, line in COMMANDS.items():
        description = line[0].upper() + line[1:] + "."
        sub = subparsers.add_parser(name, help=line, description=description, formatter_class=_WithDefaults)
        if name == command:
            importlib.import_module(f"precordia.cli.{name}").configure(sub)
    return parser


class _WithDefaults(argparse.HelpFormatter):
    """Help that names every default as it is, so that none is written twice."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        told = "(default" in (action.help or "")
        unsaid = told or action.default in (None, False, True, argparse.SUPPRESS) or action.default == []
        return action.help if unsaid else f"{action.help} (default: %(default)s)"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = next((a for a in arguments if not a.startswith("-")), None)
    if argv is None and command in CROWDED:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when numpy is imported, which it is not yet
    if argv is None and command in ASKING:
        _spare_pandas()
    parser = build_parser(command if command in COMMANDS else None)
    try:
        if command in SPELLED:
            arguments = importlib.import_module(f"precordia.cli.{command}").spelled(arguments)
        args = parser.parse_args(arguments)
        return int(importlib.import_module(f"precordia.cli.{args.command}").run(args))
    except (UsageError, InputError) as error:
        note(f"precordia {command}: {_one_line(error)}")
        return 2
    except PrecordiaError as error:
        note(f"precordia {command}: {_one_line(error)}")
        return 1
    except KeyboardInterrupt:
        note(f"precordia {command}: interrupted; what was finished is kept")
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        from precordia.indexing.durable import is_of_storage, storage_error

        if not is_of_storage(error):
            return _internal(str(command), error)
        note(f"precordia {command}: {_one_line(storage_error(error, 'a file'))}")
        return 1
    except Exception as error:
        return _internal(str(command), error)


class _WithoutPandas(MetaPathFinder):
    """While it is first of the finders, there is no pandas."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("pandas is not needed here", name=fullname)


def _spare_pandas() -> None:
    """Let Arrow do without pandas in this process: it imports it, for a third of a second, to see whether a list is a column."""
    if "pandas" in sys.modules or "pyarrow" in sys.modules:
        return
    sys.meta_path.insert(0, _WithoutPandas())
    try:
        import pyarrow as pa

        pa.array([0])  # it looks once, at the first value that it is given
    finally:
        del sys.meta_path[0]


def _internal(command: str, error: Exception) -> int:
    """A mistake of ours. Its message could hold anything that was being read, so only its kind and place are shown."""
    if os.environ.get("PRECORDIA_DEBUG"):
        raise error
    note(
        f"precordia {command}: internal error ({type(error).__name__} in {place_of(error)}); please report it; "
        "PRECORDIA_DEBUG=1 shows the details"
    )
    return 1


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


if __name__ == "__main__":
    sys.exit(main())
