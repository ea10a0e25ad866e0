"""CPU time to list an archive and to read its WFDB records, a record on one core, beside wfdb-python on the same files.

python -m benchmarks.reading DATA/ptbxl
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

from benchmarks.machine import description
from precordia.records.alone import read_alone
from precordia.records.read import read_recording
from precordia.records.scan import scan

PER_RATE = 400


def main() -> None:
    """Print the table, and the largest difference from wfdb-python, mV."""
    import wfdb

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path)
    archive = parser.parse_args().archive
    print(description())
    start = time.process_time()
    refs = [ref for ref in scan(archive) if ref.format == "wfdb"]
    print(f"scan: {len(refs) / (time.process_time() - start):,.0f} records a second")
    by_rate: dict[float, list[str]] = defaultdict(list)
    for ref in refs:
        by_rate[read_alone(ref.path).fs].append(ref.path)
    for fs, every in sorted(by_rate.items()):
        paths, apart = every[:PER_RATE], 0.0
        read_recording(paths[0])
        start = time.process_time()
        ours = [read_recording(path) for path in paths]
        middle = time.process_time()
        theirs = [wfdb.rdrecord(path.removesuffix(".hea")) for path in paths]
        end = time.process_time()
        for recording, record in zip(ours, theirs, strict=True):
            apart = max(apart, float(np.nanmax(np.abs(recording.signal - record.p_signal.T))))
        print(
            f"{fs:g} Hz, {len(paths)} records: {1000 * (middle - start) / len(paths):.2f} ms with report, "
            f"wfdb {1000 * (end - middle) / len(paths):.2f} ms without; largest difference {apart:.1e} mV"
        )


if __name__ == "__main__":
    main()
