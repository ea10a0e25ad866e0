"""What every reader must do: a test class inherits :class:`ReaderContract` and gives ``reader`` and ``write``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from precordia.records.readers.reader import HEAD_BYTES, Head, Reader


def head_of(path: Path) -> Head:
    """What a reader is shown of a file."""
    content = path.read_bytes()
    return Head(path, content[:HEAD_BYTES], len(content))


class ReaderContract:
    """Recognising, reading, and refusing what is damaged."""

    reader: Reader

    def write(self, folder: Path) -> Path:
        """A small file of the format, and what belongs to it."""
        raise NotImplementedError

    def test_it_knows_its_own_file_and_no_other(self, tmp_path: Path) -> None:
        assert self.reader.sniff(head_of(self.write(tmp_path)))
        other = tmp_path / "other.bin"
        other.write_bytes(bytes(range(256)) * 8)
        assert not self.reader.sniff(head_of(other))

    def test_it_reads_a_signal_in_millivolts(self, tmp_path: Path) -> None:
        recording = self.reader.read(self.write(tmp_path))
        assert recording.signal.shape[0] == len(recording.leads) > 0
        assert recording.fs > 0
        assert np.nanmax(np.abs(recording.signal)) < 100

    def test_a_file_cut_short_is_an_error(self, tmp_path: Path) -> None:
        path = self.write(tmp_path)
        path.write_bytes(path.read_bytes()[:20])
        # Whatever it raises that is no error of ours is told as damage by whoever calls it.
        with pytest.raises(Exception):  # noqa: B017
            self.reader.read(path)
