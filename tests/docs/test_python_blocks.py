"""What is relied on: Python that a page shows runs as it stands, on files of the names that it uses."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from precordia import KnowledgeBase, measure, standardize
from precordia.simulation import simulate
from precordia.simulation.hospital import write_archive
from precordia.simulation.writers import WRITERS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
PROMPT = re.compile(r"^ +>>> (.*\n)", re.MULTILINE)
ELSEWHERE = {"training.md": "it trains for minutes", "datasets.md": "it reads a data set of gigabytes"}


def shown(page: Path) -> str:
    """The Python of a page, one block after another."""
    text = page.read_text(encoding="utf-8")
    return "\n".join([*BLOCK.findall(text), "".join(PROMPT.findall(text))]).strip()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what pages name: a knowledge base, an ECG as DICOM, a watch's lead, a record of PTB-XL's layout."""
    folder = tmp_path_factory.mktemp("pages")
    made = write_archive(folder / "hospital", 4, seed=3, formats=("wfdb",), poor=0.0)
    KnowledgeBase.create(folder / "kb").add(made.folder, reports=made.reports)
    ecg = simulate("CLBBB", seed=5).recording
    WRITERS.get("dicom")(folder / "new_ecg", ecg)
    (folder / "ecg.dcm").write_bytes((folder / "new_ecg.dcm").read_bytes())
    whole = standardize(ecg)
    np.savetxt(folder / "watch.csv", whole.signal[0], header="I", comments="", fmt="%.4f")
    (folder / "watch.json").write_text(f'{{"fs": {whole.fs}}}', encoding="utf-8")
    records = folder / "ptbxl" / "records100" / "00000"
    records.mkdir(parents=True)
    WRITERS.get("wfdb")(records / "00001_lr", whole)
    return folder


@pytest.mark.parametrize(
    "page", [page for page in PAGES if shown(page) and page.name not in ELSEWHERE], ids=lambda p: p.stem
)
def test_python_of_a_page_runs(page: Path, archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(archive)
    code = shown(page).replace('write_archive("archive", 600', 'write_archive("archive", 2')
    given = {"measurements": measure(simulate("HAVB", seed=1).recording), "cases_of_this_patient": []}
    exec(compile(code, page.name, "exec"), {"__name__": "__main__", **given})


def test_what_is_said_of_the_labeller_is_what_it_reads() -> None:
    page = ROOT / "docs" / "concepts.md"
    names: dict[str, object] = {}
    exec(compile(shown(page), page.name, "exec"), names)
    said = dict(re.findall(r"^(\w+.*\))  # (.*)$", shown(page), re.MULTILINE))
    reads = {line: eval(line, names) for line in said}
    of = {line.partition("(")[0]: (said[line], read) for line, read in reads.items()}
    comment, findings = of["label_report"]
    assert [word.split()[0] for word in comment.split(", ")] == [finding.concept for finding in findings]
    comment, findings = of["findings_from_codes"]
    assert comment.split(", ") == [finding.concept for finding in findings]
    comment, ancestors = of["vocabulary"]
    assert eval(comment) == tuple(ancestors)
