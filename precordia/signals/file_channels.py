"""The channels that a file names, without its samples: what kind of signal is in a file that holds no ECG."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Final

from precordia.core.errors import InputError, UnknownFormatError
from precordia.records.alone import read_head, recognise
from precordia.records.channels import name_channels
from precordia.records.readers.sample_layout import find_layout
from precordia.records.readers.wfdb import header_path
from precordia.records.readers.wfdb_header import read_header
from precordia.signals.door import UNTOLD, kind_of_channels
from precordia.signals.kind import SignalKind

_LABEL: Final = 16
_FIXED: Final = 256


def other_kind_of(path: str | PathLike[str]) -> SignalKind | None:
    """The kind of signal other than an ECG that a file's channels name; None where they name none."""
    place = Path(path)
    try:
        names = _CHANNELS.get(_format_of(place), _none)(place)
    except (InputError, OSError, ValueError):
        return None
    kind = kind_of_channels(name_channels(names)) if names else None
    return None if kind is None or kind.is_ecg or kind.name == UNTOLD else kind


def _format_of(path: Path) -> str:
    try:
        return recognise(path)
    except UnknownFormatError:
        return "csv"  # a table that names no lead is not taken for an ECG, and may be another signal's


def _none(path: Path) -> tuple[str, ...]:
    return ()


def _of_table(path: Path) -> tuple[str, ...]:
    layout = find_layout(read_head(path).text)
    if layout is None:
        return ()
    return tuple(name for name in layout.names[1 if layout.timed else 0 :] if name)


def _of_wfdb(path: Path) -> tuple[str, ...]:
    return tuple(channel.name for channel in read_header(header_path(path)).channels)


def _of_edf(path: Path) -> tuple[str, ...]:
    data = read_head(path).data
    count = int(data[_FIXED - 4 : _FIXED])
    labels = (data[_FIXED + i * _LABEL : _FIXED + (i + 1) * _LABEL].decode("latin-1").strip() for i in range(count))
    return tuple(label for label in labels if label and "Annotations" not in label)


_CHANNELS: Final[dict[str, Callable[[Path], tuple[str, ...]]]] = {"csv": _of_table, "wfdb": _of_wfdb, "edf": _of_edf}
