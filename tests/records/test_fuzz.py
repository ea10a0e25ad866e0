"""A damaged or hostile file of any format gives a recording or a one-line error: nothing else, and in bounded time."""

from __future__ import annotations

import random
import re
import zlib
from pathlib import Path

import numpy as np
import pytest
from ecg_files import WRITERS

from precordia.core.errors import PrecordiaError
from precordia.records.limits import MAX_VALUES
from precordia.records.read import read_recording

MUTATIONS = 500
"""The same ones at every run, since the seed is the format's name: more of them, once, after a reader has changed much."""
OF_A_VARIANT = 120
"""A second way of writing a format that was fuzzed in full already."""

VARIANTS = {
    "hdf5",
    "hdf5-latest",
    "wfdb-212",
    "philips-plain",
    "scp-plain",
    "dicom-implicit",
    "npy",
    "matlab-4",
    "matlab-info",
}
READER_OF = {"hdf5-latest": "hdf5", "npy": "numpy", "npz": "numpy", "matlab-4": "matlab", "matlab-info": "matlab", "edf-d": "edf",
             "philips-plain": "philips", "scp-plain": "scp",
             "wfdb-212": "wfdb", "dicom-implicit": "dicom", "dicom-deflated": "dicom"}  # fmt: skip
NUMBERS = (
    b"0",
    b"-1",
    b"1",
    b"2147483648",
    b"99999999999999999999",
    b"1e308",
    b"nan",
    b"inf",
    b"-0.0",
    b"1e-320",
    b"65536",
    b"",
)
FIELDS = (b"\0\0", b"\xff\xff", b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\1\0\0\0", b"\0\0\0\0")
SCRAPS = (
    b"<",
    b"&lt;",
    b"&a;",
    b"</a>",
    b"]]>",
    b"\0",
    b"\xff\xfe",
    b"../",
    b"%s",
    b"\r\n",
    b"'",
    b'"',
    b"<!ENTITY a 'b'>",
)


def mutate(data: bytes, rng: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        # Headers stand at the beginning of most formats: half of the damage goes there.
        reach = len(out) if rng.random() < 0.5 else min(len(out), 600)
        at = rng.randrange(reach) if reach else 0
        kind = rng.randrange(8)
        if kind == 0 and out:
            out[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del out[rng.randrange(len(out) + 1) if rng.random() < 0.5 else at :]
        elif kind == 2:
            out[at:at] = rng.randbytes(rng.randrange(1, 9))
        elif kind == 3:
            out[at : at + rng.randrange(1, 40)] = b""
        elif kind == 4:
            found = [match.span() for match in re.finditer(rb"-?\d+(?:\.\d+)?", bytes(out[:reach]))]
            if found:
                start, end = rng.choice(found)
                out[start:end] = rng.choice(NUMBERS)
        elif kind == 5:
            field = rng.choice(FIELDS)
            out[at : at + len(field)] = field
        elif kind == 6:
            out[at:at] = rng.choice(SCRAPS)
        else:
            other = rng.randrange(len(out) + 1)
            out[at:at] = out[other : other + rng.randrange(1, 64)]
    return bytes(out)


@pytest.mark.parametrize("variant", WRITERS)
def test_mutated_files_give_a_recording_or_a_one_line_error(variant: str, tmp_path: Path) -> None:
    path = WRITERS[variant](tmp_path)
    parts = [path, path.with_suffix(".dat")] if variant.startswith("wfdb") else [path]
    originals = [part.read_bytes() for part in parts]
    rng = random.Random(zlib.crc32(variant.encode()))
    refused = 0
    mutations = OF_A_VARIANT if variant in VARIANTS else MUTATIONS
    for number in range(mutations):
        chosen = number % len(parts)
        parts[chosen].write_bytes(mutate(originals[chosen], rng))
        try:
            # Every other one is forced on its reader, so that damage to the first bytes does not end with "unknown format".
            recording = read_recording(path, format=READER_OF.get(variant, variant) if number % 2 else None)
        except PrecordiaError as error:
            refused += 1
            message = str(error)
            assert "\n" not in message
            assert "rec" in message
            assert len(message) < 600
        else:
            assert recording.n_leads * recording.n_samples <= MAX_VALUES
            assert np.isfinite(recording.signal).any()
        parts[chosen].write_bytes(originals[chosen])
    assert refused > mutations // 20


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "header", ["{'descr': '<f8', 'fortran_order': False, 'shape': (12L, 40L), }", "{'descr': '<f8', 'x\\q'}"]
)
def test_old_and_damaged_npy_headers_warn_of_nothing(header: str, tmp_path: Path) -> None:
    """NumPy warns of headers that Python 2 wrote, Python of stray backslashes."""
    text = header.ljust(117).encode() + b"\n"
    path = tmp_path / "rec.npy"
    signal = np.sin(np.arange(480.0)).reshape(12, 40)
    path.write_bytes(b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text + signal.tobytes())
    (tmp_path / "rec.json").write_text('{"fs": 100, "units": "mV"}')
    if "12L" in header:
        np.testing.assert_allclose(read_recording(path).signal, signal, atol=1e-6)
    else:
        with pytest.raises(PrecordiaError, match="copy it again"):
            read_recording(path)
