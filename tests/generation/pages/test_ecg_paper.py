"""ECG paper: true to scale, leads where a cardiologist looks for them, and any recording can be drawn."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.generation.pages.ecg_paper import SCALE, PaperSettings, describe, draw, layout_of

SVG = "{http://www.w3.org/2000/svg}"


def recording_of(signal: np.ndarray, fs: float = 500.0, leads: tuple[str, ...] = LEADS) -> Recording:
    return Recording(signal.astype(np.float32), fs, leads, "r1")


def traces(svg: str) -> list[tuple[str, float, float, list[tuple[int, int]]]]:
    """Lead, origin x and y in mm, and points in path units, of each trace."""
    found = []
    for path in ET.fromstring(svg).iter(f"{SVG}path"):
        if path.get("data-lead") is None:
            continue
        x0, y0 = map(float, re.match(r"translate\(([-\d.]+) ([-\d.]+)\)", path.get("transform")).groups())
        points: list[tuple[int, int]] = []
        for start in re.findall(r"M(-?\d+) (-?\d+)l0 0((?: ?-?\d+)*)", path.get("d")):
            x, y = int(start[0]), int(start[1])
            points.append((x, y))
            steps = [int(n) for n in re.findall(r"-?\d+", start[2])]
            for dx, dy in zip(steps[::2], steps[1::2], strict=True):
                x, y = x + dx, y + dy
                points.append((x, y))
        found.append((path.get("data-lead"), x0, y0, points))
    return found


def test_one_second_is_25_mm_and_one_millivolt_is_10_mm_up() -> None:
    signal = np.zeros((12, 5000))
    signal[:, 500] = 1.0  # one spike at 1.000 s
    shown = next(t for t in traces(draw(recording_of(signal))) if t[0] == "I")
    x, y = min(shown[3], key=lambda point: point[1])
    assert (x / SCALE, y / SCALE) == (25.0, -10.0)


def test_the_svg_is_sized_in_millimetres_like_its_user_units() -> None:
    root = ET.fromstring(draw(recording_of(np.zeros((12, 5000)))))
    assert root.get("viewBox") == f"0 0 {root.get('width')[:-2]} {root.get('height')[:-2]}"
    assert root.get("width").endswith("mm")


def test_the_calibration_pulse_is_1_mv_and_200_ms() -> None:
    pulses = [p.get("d") for p in ET.fromstring(draw(recording_of(np.zeros((12, 5000))))).iter(f"{SVG}path")
              if "pulse" in (p.get("class") or "")]  # fmt: skip
    assert len(pulses) == 4
    assert all("v-10h5v10" in d for d in pulses)


def test_twelve_leads_stand_in_three_rows_of_four_over_a_rhythm_strip() -> None:
    placed = traces(draw(recording_of(np.zeros((12, 5000)))))
    assert [lead for lead, *_ in placed] == [
        "I",
        "aVR",
        "V1",
        "V4",
        "II",
        "aVL",
        "V2",
        "V5",
        "III",
        "aVF",
        "V3",
        "V6",
        "II",
    ]
    columns = sorted({x for _, x, _, _ in placed[:12]})
    assert np.allclose(np.diff(columns), 62.5)
    assert len({y for _, _, y, _ in placed}) == 4


def test_columns_follow_one_another_in_time() -> None:
    signal = np.zeros((12, 5000))
    signal[:, 3000] = 1.0  # 6.0 s: in the third column only, and in the strip
    spiked = [lead for lead, *_, points in traces(draw(recording_of(signal))) if min(y for _, y in points) < -900]
    assert spiked == ["V1", "V2", "V3", "II"]


def test_grid_lines_are_one_and_five_millimetres_apart() -> None:
    root = ET.fromstring(draw(recording_of(np.zeros((12, 5000)))))
    bold = next(p for p in root.iter(f"{SVG}path") if p.get("class") == "bold").get("d")
    fine = next(p for p in root.iter(f"{SVG}path") if p.get("class") == "fine").get("d")
    xs = [int(x) for x in re.findall(r"M(\d+) 0v", bold)]
    assert set(np.diff(xs)) == {5}
    all_xs = sorted(xs + [int(x) for x in re.findall(r"M(\d+) 0v", fine)])
    assert set(np.diff(all_xs)) == {1}


def test_a_constant_offset_does_not_move_the_trace() -> None:
    signal = np.random.default_rng(0).normal(0, 0.1, (12, 5000))
    plain, shifted = (np.array(traces(draw(recording_of(s)))[0][3]) for s in (signal, signal + 3.0))
    assert np.abs(plain - shifted).max() <= 1


def test_missing_samples_break_the_trace_and_absent_leads_say_so() -> None:
    signal = np.zeros((8, 5000))
    signal[0, 300:600] = np.nan
    leads = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
    svg = draw(recording_of(signal, leads=leads))
    path = next(p for p in ET.fromstring(svg).iter(f"{SVG}path") if p.get("data-lead") == "I").get("d")
    assert path.count("M") == 2
    assert svg.count("not recorded") == 4


def test_few_leads_get_a_row_each_and_unknown_channels_are_shown_by_their_name() -> None:
    assert layout_of(recording_of(np.zeros((2, 500)), leads=("II", "V1"))) == (("II",), ("V1",))
    assert "&lt;b&gt;" in draw(recording_of(np.zeros((1, 5000)), leads=("<b>",)))


def test_a_long_recording_is_shown_from_its_start_and_says_so() -> None:
    long = recording_of(np.zeros((12, 60000)), fs=1000.0)
    assert "first 10 s of 60 s" in describe(long)
    assert max(x for *_, points in traces(draw(long)) for x, _ in points) <= 250 * SCALE


@settings(max_examples=60, deadline=None)
@given(
    n_leads=st.integers(1, 12),
    fs=st.sampled_from([100.0, 240.0, 257.3, 500.0, 1000.0]),
    seconds=st.floats(0.1, 14),
    scale=st.sampled_from([0.0, 1.0, 1e4]),
    seed=st.integers(0, 99),
)
def test_anything_that_was_recorded_can_be_drawn(
    n_leads: int, fs: float, seconds: float, scale: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    signal = rng.normal(0, scale, (n_leads, max(round(fs * seconds), 1)))
    signal[rng.random(signal.shape) < 0.05] = np.nan
    svg = draw(Recording(signal.astype(np.float32), fs, LEADS[:n_leads], "r"), PaperSettings(draw_fs=200))
    root = ET.fromstring(svg)
    width = float(root.get("width")[:-2])
    for _, x0, _, points in traces(svg):
        assert all(0 <= x0 + x / SCALE <= width and abs(y) <= 60 * SCALE for x, y in points)
