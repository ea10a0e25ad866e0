"""How often a rule of measurements fires on PTB-XL's folds 1-8, and what reports and codes say of it.

    python -m benchmarks.rules --data DIR

Reports leave much out: a low precision is also a rule's distance from what cardiologists mention. Limits were set on these
ECGs, so the table shows the fit.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import Final

from benchmarks.machine import table
from precordia.concepts import findings_from_codes, findings_from_measurements, label_report, vocabulary
from precordia.core.recording import Sex
from precordia.datasets import ptbxl
from precordia.datasets.folder import default_data_dir
from precordia.measurements import measure
from precordia.records.read import read_recording

RULES: Final = {
    "ST elevation": ("STE_", {"STE_"}),
    "ST depression": ("STD_", {"STD_"}),
    "LVH voltage": ("VCLVH", {"VCLVH", "LVH"}),
    "RVH voltage": ("VCRVH", {"VCRVH", "RVH"}),
    "long PR": ("LPR", {"LPR"}),
    "wide QRS": ("IVB", {"CLBBB", "CRBBB", "IVCD"}),
    "long QTc": ("LNGQT", {"LNGQT"}),
    "left axis": ("LAD", {"LAD", "LAFB"}),
    "right axis": ("RAD", {"RAD", "LPFB"}),
}
"""What a rule finds, and the findings of which one must be stated, with all that they imply."""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="the folder that holds ptbxl/ (default: $PRECORDIA_DATA)")
    folder = (parser.parse_args().data or default_data_dir()) / "ptbxl"
    fired, stated, right, n = Counter[str](), Counter[str](), Counter[str](), 0
    for ecg_id, row in ptbxl.read_table(folder)[0].items():
        stem = ptbxl.signal_of(folder, ecg_id)
        if stem is None or ptbxl.fold_of(row) > 8:
            continue
        n += 1
        sex: Sex = "F" if row["sex"] == "1" else "M"
        age = float(row["age"]) if row["age"] else None
        found = {f.concept for f in findings_from_measurements(measure(read_recording(stem)), age=age, sex=sex)}
        told = [f for f in label_report(row["report"]) if f.status == "present"]
        told += findings_from_codes([f"scp:{code}" for code in ptbxl.codes_of(row)])
        said = vocabulary().implied(f.concept for f in told)
        for name, (rule, names) in RULES.items():
            fires, is_said = rule in found, bool(names & said)
            fired[name] += fires
            stated[name] += is_said
            right[name] += fires and is_said
    print(f"{n} ECGs of PTB-XL's folds 1-8\n")
    rows = [
        (
            name,
            f"{fired[name]}",
            f"{stated[name]}",
            f"{right[name] / fired[name]:.2f}",
            f"{right[name] / stated[name]:.2f}",
        )
        for name in RULES
        if fired[name] and stated[name]
    ]
    print(table([("finding", "fires", "stated", "precision", "recall"), *rows]))


if __name__ == "__main__":
    main()
