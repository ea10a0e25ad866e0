"""Hours in the browser: what happened when, and going there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from precordia.core.recording import Recording
from precordia.simulation import simulate
from precordia.simulation.pulse import Vessels, simulate_pulse
from precordia.simulation.writers import WRITERS


def holter() -> Recording:
    """Five minutes of two leads with premature beats, the third of which fibrillates."""
    parts = [simulate(rhythm, seed=3, fs=250, duration_s=60 * n).recording for rhythm, n in (("PVC", 2), ("AFIB", 1))]
    rows = [parts[0].leads.index(lead) for lead in ("II", "V1")]
    signal = np.concatenate([part.signal[rows] for part in (*parts, parts[0])], axis=1)
    return replace(parts[0], signal=signal, leads=("II", "V1"), report=None)


def test_a_holter_is_seen_whole_and_a_click_goes_to_the_place(visit, tmp_path: Path, pictures: Path) -> None:
    page = visit("#events")
    page.set_input_files("#file", WRITERS.get("edf")(tmp_path / "holter", holter()))
    page.wait_for_selector(".course-of")
    page.wait_for_selector(".over[style]")
    assert "Long recording" in page.inner_text(".limits")
    assert page.inner_text(".facts-of tr:has-text('Length') td") == "0:05:00"
    assert "%" in page.inner_text(".facts-of tr:has-text('ventricular ectopic beats') td >> nth=0")
    assert page.locator(".course-of .event.AF").count() == 1
    plain = page.evaluate("document.querySelector('.sheet canvas').toDataURL()")
    # By event: only that kind is listed, and its place comes to the paper, marked.
    page.select_option("label:has-text('Event') select", label="atrial fibrillation")
    assert page.locator(".kind").count() == 1
    there = page.get_by_role("button", name="Go to atrial fibrillation")
    start = there.inner_text().split("–")[0]
    assert start.startswith("0:02:0")
    there.press("Enter")
    page.wait_for_function("before => document.querySelector('.sheet canvas').toDataURL() !== before", arg=plain)
    seconds = float(start[-2:]) + 120
    at = float(page.evaluate("new URLSearchParams(location.hash.split('?')[1]).get('at')"))
    assert abs(at - (seconds - 1)) < 1
    assert "atrial fibrillation, 0:0" in page.inner_text("#say")
    page.wait_for_load_state("networkidle")
    page.screenshot(path=pictures / "events.png")
    # A place asks for its like, and a click on the course goes there.
    page.get_by_role("button", name="Find what is like the paper").click()
    near = page.locator("section:has(h2:text('similarity')) li button").first
    near.wait_for()
    assert near.inner_text().startswith(("0:02:", "0:03:"))
    box = page.locator(".course-of").bounding_box()
    page.mouse.click(box["x"] + 0.95 * box["width"], box["y"] + 40)
    page.wait_for_function("() => Number(new URLSearchParams(location.hash.split('?')[1]).get('at')) > 250")
    page.set_viewport_size({"width": 820, "height": 1180})
    assert page.evaluate("document.documentElement.scrollWidth") <= 820
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python").Axe()
    found = axe.run(page).response["violations"]
    assert [(v["id"], [n["html"][:120] for n in v["nodes"]][:3]) for v in found] == []


def test_a_statement_of_a_holter_goes_to_its_place(visit, tmp_path: Path) -> None:
    page = visit("#read")
    page.set_input_files("#file", WRITERS.get("edf")(tmp_path / "holter", holter()))
    page.locator(".statement:has-text('Atrial fibrillation') button.cite:has-text('–')").first.click()
    page.wait_for_function("() => Number(document.querySelector('.strip input').value) > 110")


def test_a_pulse_is_searched_with_and_what_it_shows_is_told(visit, tmp_path: Path, pictures: Path) -> None:
    wave = simulate_pulse(
        np.arange(-2.0, 30.0, 0.8), 30.0, fs=100.0, vessels=Vessels(sensor=0.01), rng=np.random.default_rng(1)
    ).signal
    finger = tmp_path / "finger.csv"
    finger.write_text("\n".join(("Time [s],PLETH", *(f"{i / 100:.2f},{value:.5f}" for i, value in enumerate(wave)))))
    page = visit("#find")
    page.set_input_files("#file", finger)
    page.wait_for_selector(".chips .limits:has-text('Pulse')")
    page.wait_for_selector(".card meter")
    page.get_by_role("button", name="Read", exact=True).click()
    told = page.inner_text(".other-signal")
    assert "blood pressure without a calibration" in told
    assert "75" in page.inner_text(".other-signal tr:has-text('rate')")
    assert page.locator(".sheet").count() == 0
    page.get_by_role("button", name="Draw a synthetic ECG").click()
    page.frame_locator("dialog iframe").locator("h1:has-text('Synthetic')").wait_for()
    page.screenshot(path=pictures / "pulse.png")


def test_a_resting_ecg_has_no_events_and_says_so(visit, case_id: str) -> None:
    page = visit(f"#events/{case_id}")
    page.wait_for_selector(".state.bad:has-text('more than two minutes')")
    assert page.locator("#file").count() == 1
