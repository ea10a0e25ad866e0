"""Where the leads of an EDF file lie, so that hours of it can be read record by record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UnreadableRecordingError
from precordia.records.channels import is_other_signal
from precordia.records.limits import MAX_HEADER_BYTES
from precordia.records.readers.edf import Channel, channels_of, integers_of, is_lead
from precordia.records.readers.xml_tree import to_number


@dataclass(frozen=True)
class EdfLayout:
    """Channels of one rate in a continuous EDF or BDF file.

    Attributes:
        start: Byte at which the records begin.
        record_bytes: Length of a record.
        record_s: Time that a record covers, s.
        n_records: How many there are.
        rate: Samples of a lead in a record.
        width: Bytes of a sample.
        leads: The channels.
        places: Byte within a record at which each lead's samples begin.
        head: The file's first 256 characters, which tell of patient and time.
    """

    start: int
    record_bytes: int
    record_s: float
    n_records: int
    rate: int
    width: int
    leads: tuple[Channel, ...]
    places: tuple[int, ...]
    head: str

    def decode(self, records: NDArray[np.uint8], lead: int) -> NDArray[np.float32]:
        """A lead's samples, mV, of some records ``(n, record_bytes)``."""
        channel, place = self.leads[lead], self.places[lead]
        digital = integers_of(records[:, place : place + self.rate * self.width], self.width).astype(np.float32)
        out: NDArray[np.float32] = (digital * np.float32(channel.gain) + np.float32(channel.offset)) * np.float32(
            channel.scale or 1.0
        )
        return out


def leads_among(channels: Sequence[Channel]) -> list[int]:
    """The channels that are leads of an ECG; none where one of them has no unit."""
    ecg = [i for i, c in enumerate(channels) if c.scale is not None and c.samples and not is_other_signal(c.name)]
    named = [i for i in ecg if is_lead(channels[i].name)] or ecg
    return named if all(channels[i].unit for i in named) else []


def layout_of(path: Path, among: Callable[[Sequence[Channel]], list[int]] = leads_among) -> EdfLayout | None:
    """Where some of a file's channels lie; None where there are none or they have several rates, or the file is not continuous.

    Args:
        path: The file.
        among: Which channels.

    Raises:
        UnreadableRecordingError: it ends within its header, or before what it declares.
    """
    with path.open("rb") as file:
        head = file.read(256)
        count = int(to_number(head[252:256].decode("latin-1")) or 0)
        data = head + file.read(min(256 * max(count, 0), MAX_HEADER_BYTES))
    n_records = to_number(head[236:244].decode("latin-1"))
    record_s = to_number(head[244:252].decode("latin-1"))
    if not n_records or n_records < 0 or not record_s or record_s <= 0 or head[192:197] in (b"EDF+D", b"BDF+D"):
        return None
    channels = channels_of(path, data, count)
    width = 3 if head[:1] == b"\xff" else 2
    named = among(channels)
    if not named or len({channels[i].samples for i in named}) > 1:
        return None
    starts = np.concatenate(([0], np.cumsum([channel.samples for channel in channels]))) * width
    start, size = 256 * (count + 1), int(starts[-1])
    if path.stat().st_size < start + int(n_records) * size:
        raise UnreadableRecordingError(f"{path}: holds fewer than its {int(n_records)} records; it is truncated")
    return EdfLayout(
        start,
        size,
        float(record_s),
        int(n_records),
        channels[named[0]].samples,
        width,
        tuple(channels[i] for i in named),
        tuple(int(starts[i]) for i in named),
        head[:256].decode("latin-1"),
    )
