"""One command line in several processes of this machine; across machines ``accelerate launch`` does the same."""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import IO

from precordia.cli.console import note
from precordia.core.errors import MissingExtraError, UsageError


def launch(args: argparse.Namespace, count: int) -> int:
    """Run ``precordia train`` with these options in ``count`` processes; the exit code of the first that failed, or 0.

    Only the first process writes to stdout and stderr, unless another fails. When one ends with an error, all end.

    Raises:
        MissingExtraError: accelerate is not installed.
        UsageError: there are fewer GPUs than processes.
    """
    try:
        import accelerate
    except ImportError as error:
        raise MissingExtraError("accelerate", "train", "--devices") from error
    import torch

    gpus = 0 if args.cpu else torch.cuda.device_count()
    if 0 < gpus < count:
        raise UsageError(f"--devices {count}: this machine has {gpus} GPUs; ask for as many, or add --cpu")
    note(
        f"training in {count} processes, {'one a GPU' if gpus else 'on the CPU'} (accelerate {accelerate.__version__})"
    )
    command = [sys.executable, "-m", "precordia.cli.main", "train", *command_line(args)]
    environment = {"WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1",
                   "MASTER_PORT": str(_free_port())}  # fmt: skip
    messages = [tempfile.TemporaryFile() for _ in range(count - 1)]  # noqa: SIM115 - closed below
    processes = []
    try:
        for rank in range(count):
            own = os.environ | environment | {"RANK": str(rank), "LOCAL_RANK": str(rank)}
            kept: IO[bytes] | None = messages[rank - 1] if rank else None
            processes.append(subprocess.Popen(command, env=own, stderr=kept))
        return _wait(processes, messages)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()
        for message in messages:
            message.close()


def command_line(args: argparse.Namespace) -> list[str]:
    """The options as they were given, without the number of processes.

    >>> given = {"data": ["a", "b"], "cpu": True, "devices": 2, "seed": None}
    >>> command_line(argparse.Namespace(command="train", what="encoder", recipe="tiny", **given))
    ['encoder', 'tiny', '--data', 'a', '--data', 'b', '--cpu']
    """
    out = [args.what, str(args.recipe)]
    for name, value in vars(args).items():
        if name in ("command", "what", "recipe", "devices") or value is None or value is False:
            continue
        for one in value if isinstance(value, list) else [value]:
            out += [f"--{name}"] if one is True else [f"--{name}", str(one)]
    return out


def _wait(processes: Sequence[subprocess.Popen[bytes]], messages: Sequence[IO[bytes]]) -> int:
    """Until all have ended well, or one has not."""
    while True:
        codes = [process.poll() for process in processes]
        failed = [rank for rank, code in enumerate(codes) if code]
        if failed:
            rank = failed[0]
            if rank:
                messages[rank - 1].seek(0)
                sys.stderr.write(messages[rank - 1].read().decode("utf-8", "replace"))
            code = codes[rank] or 0
            note(f"training process {rank} of {len(codes)} ended with exit code {code}")
            return code if code > 0 else 1
        if all(code == 0 for code in codes):
            return 0
        time.sleep(0.2)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
