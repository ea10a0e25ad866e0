"""A small benchmark in ECG-QA's layout over simulated ECGs, for the tests of this folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import wfdb

from precordia.core.leads import LEADS
from precordia.simulation import simulate


def write_ecgs(folder: Path, n: int) -> None:
    """ECGs 1 to n of as many patients, as PTB-XL lays them out."""
    (folder / "records100" / "00000").mkdir(parents=True)
    lines = ["ecg_id,patient_id,age,sex,report,scp_codes,device,recording_date,strat_fold,filename_lr,filename_hr"]
    for ecg in range(1, n + 1):
        signal = simulate(seed=ecg, fs=100.0).recording.signal.T.astype(np.float64)
        name, place = f"{ecg:05d}_lr", folder / "records100" / "00000"
        wfdb.wrsamp(name, 100, ["mV"] * 12, list(LEADS), signal, fmt=["16"] * 12, write_dir=str(place))
        lines.append(
            f"{ecg},{ecg + 70},60,0,sinus rhythm,{{}},,,1,records100/00000/{name},records500/00000/{ecg:05d}_hr"
        )
    (folder / "ptbxl_database.csv").write_text("\n".join(lines) + "\n")


def write_small_ecgqa(data: Path) -> None:
    """Four ECGs, one of them noisy, and a question about each of them and about one that is not there."""
    write_ecgs(data / "ptbxl", 4)
    folder = data / "ecgqa" / "ptbxl"
    entries = [
        {
            "template_id": 1, "question_id": 0, "sample_id": ecg, "question_type": "single-verify", "attribute_type": "noise",
            "question": "Does this ECG show static noise in lead V1?", "answer": ["yes" if ecg == 1 else "no"],
            "ecg_id": [ecg], "attribute": ["static noise"],
        }
        for ecg in (1, 2, 3, 4, 5)
    ]  # fmt: skip
    for wording in ("template", "paraphrased"):
        (folder / wording / "train").mkdir(parents=True)
        (folder / wording / "train" / "0.json").write_text(json.dumps(entries))
    (folder / "answers.csv").write_text("index,class\n0,no\n1,yes\n")
    (folder / "answers_for_each_template.csv").write_text("template_id,classes\n1,\"['no', 'yes']\"\n")
