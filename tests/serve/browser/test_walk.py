"""Each view, walked as a person would; events of hours in ``test_events.py``."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from precordia import KnowledgeBase
from precordia.simulation import simulate
from precordia.simulation.hospital import Archive
from precordia.simulation.writers import WRITERS


def texts(page, selector: str) -> list[str]:
    return [text.strip() for text in page.locator(selector).all_inner_texts()]


def drop(page, path: Path) -> None:
    """Let a file fall on the page, as from a folder's window."""
    page.evaluate(
        """([name, bytes]) => {
          const data = new DataTransfer();
          data.items.add(new File([Uint8Array.from(atob(bytes), c => c.charCodeAt(0))], name));
          const fall = new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true});
          document.querySelector('#main').dispatchEvent(fall);
        }""",
        [path.name, base64.b64encode(path.read_bytes()).decode()],
    )


def test_find_says_what_it_understood_and_a_removed_chip_changes_the_search(visit, kb: KnowledgeBase) -> None:
    page = visit()
    page.wait_for_selector(".card:not(.blank)")
    assert f"{len(kb)} cases" in page.inner_text(".count")
    page.fill("#words", "sinus rhythm, women, zork")
    page.keyboard.press("Enter")
    page.wait_for_selector(".chip.doubt")
    assert texts(page, ".chip.doubt") == ["zork"]
    assert [chip.split("\n")[0].rstrip("× ") for chip in texts(page, ".chip:not(.doubt)")] == ["sinus rhythm", "women"]
    page.get_by_role("button", name="Remove women").click()
    page.wait_for_selector(".chip >> nth=1", state="detached")
    assert page.input_value("#words") == "sinus rhythm"


def test_a_facet_narrows_and_a_search_is_kept_and_exported(visit, kb: KnowledgeBase) -> None:
    page = visit()
    page.wait_for_selector(".facet")
    men = kb.store.select("sex = 'M'").size
    page.get_by_role("button", name=re.compile("^male")).click()
    page.wait_for_selector(f".count:has-text('{men} cases')")
    page.get_by_role("button", name="Save this search").click()
    assert texts(page, ".saved li button.link:first-child") == ["M"]
    with page.expect_download() as waited:
        page.get_by_role("button", name="Cohort as CSV").click()
    assert len(Path(waited.value.path()).read_text(encoding="utf-8").splitlines()) == 1 + men


def test_the_list_goes_on_as_one_scrolls(visit, kb: KnowledgeBase) -> None:
    page = visit(height=500)
    page.wait_for_selector(".card:not(.blank)")
    met = set()
    for _ in range(12):
        met |= set(texts(page, ".card:not(.blank) .who strong"))
        page.mouse.wheel(0, 300)
        page.wait_for_timeout(60)
    assert len(met) == len(kb)
    # What was scrolled away is not in the page any more, and is there again when one returns.
    page.wait_for_selector(f".card[aria-posinset='{len(kb)}'] canvas[data-drawn]")
    assert page.locator(".card[aria-posinset='1']").count() == 0
    assert f"{len(kb)} cases" in page.inner_text(".count")
    assert f"–{len(kb)}" in page.inner_text(".count")
    down = page.evaluate("scrollY")
    page.locator(f".card[aria-posinset='{len(kb)}'] a").click()
    page.wait_for_selector(".over[style]")
    page.go_back()
    page.wait_for_selector(f".card[aria-posinset='{len(kb)}'] canvas[data-drawn]")
    assert abs(page.evaluate("scrollY") - down) < 200
    page.mouse.wheel(0, -90_000)
    page.wait_for_selector(".card[aria-posinset='1'] canvas[data-drawn]")


MILLION = """async () => {
  const {endless} = await import('/static/endless.js');
  window.asked = [];
  const load = async page => {
    asked.push(page);
    return {items: Array.from({length: 12}, (_, i) => page * 12 + i + 1), total: 1e6};
  };
  const make = n => Object.assign(document.createElement('li'), {className: 'card', textContent: n});
  const list = endless({size: 12, load, make, moved: () => {}, failed: () => {}, none: () => {}});
  document.querySelector('main').replaceChildren(list.element);
}"""


def test_a_million_cases_are_a_page_of_few(visit) -> None:
    page = visit(width=820)
    page.wait_for_selector(".card:not(.blank)")
    # The list alone, over made-up places: they are asked for where one is, and nowhere else.
    page.evaluate(MILLION)
    page.wait_for_selector(".card[aria-posinset='1']:text-is('1')")
    for part in (0.1, 0.5, 0.9, 1.0):
        page.evaluate("part => scrollTo(0, part * document.documentElement.scrollHeight)", part)
        page.wait_for_selector(".card.blank", state="detached")
        assert page.locator(".card").count() < 60
    page.wait_for_selector(".card[aria-posinset='1000000']:text-is('1000000')")
    for _ in range(30):
        page.mouse.wheel(0, -500)
    page.wait_for_selector(".card.blank", state="detached")
    found = page.eval_on_selector_all(
        ".card", "cards => cards.map(c => [Number(c.textContent), Number(c.ariaPosInSet)])"
    )
    # Some fifteen thousand pixels up from the end, and not a card left out.
    places = [place for _, place in found]
    assert [number for number, _ in found] == places == list(range(places[0], places[0] + len(places)))
    assert 999_000 < places[0] < 999_950
    assert page.evaluate("asked.length") < 60
    page.keyboard.press("Home")
    page.wait_for_selector(".card[aria-posinset='1']:text-is('1')")


def test_read_measures_marks_and_lays_a_precedent_over(visit, case_id: str) -> None:
    page = visit(f"#read/{case_id}")
    page.wait_for_selector("table.numbers .quiet, table.numbers td")
    page.wait_for_selector(".over[style]")
    box = page.locator(".over").bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 60)
    page.mouse.down()
    # At 25 mm/s and 96 dots an inch, 25 mm are a second.
    page.mouse.move(box["x"] + 100 + 25 * 96 / 25.4, box["y"] + 60, steps=4)
    page.mouse.up()
    assert "1,000 ms · 60 /min" in page.inner_text(".readout")
    page.locator(".over").press("ArrowRight")
    assert "1,011 ms" in page.inner_text(".readout")
    plain = page.evaluate("document.querySelector('.sheet canvas').toDataURL()")
    page.get_by_role("button", name="QRS", exact=True).first.focus()
    assert page.evaluate("document.querySelector('.sheet canvas').toDataURL()") != plain
    page.locator("h2").first.click()
    first = page.evaluate(
        "async id => (await (await import('/static/api.js')).measured({case: id})).beats[1].r_s", case_id
    )
    page.mouse.click(box["x"] + (8 + 25 * first) * 96 / 25.4, box["y"] + 60)
    assert "qrs_ms" in page.eval_on_selector_all("tr.lit", "rows => rows.map(row => row.dataset.name)")
    page.wait_for_selector(".precedents li")
    page.select_option("label:has-text('Laid over') select", index=1)
    page.wait_for_selector(".legend .other")
    for layout in ("6×2", "12×1"):
        page.select_option("label:has-text('Layout') select", label=layout)
    page.check("text=Cabrera")
    page.select_option("label:has-text('Filter') select", label="0.5–40 Hz")


def test_compare_shows_the_patient_through_time_and_two_ecgs(visit, case_id: str) -> None:
    page = visit(f"#compare/{case_id}")
    page.wait_for_selector(".timeline .here")
    assert page.locator(".timeline tbody tr").count() > 1
    page.wait_for_selector(".pair .half .sheet canvas")
    assert page.locator(".pair .half").count() == 2
    assert "Superimposed" in page.inner_text(".pair")


def test_decisions_are_kept_with_their_author(visit, kb: KnowledgeBase) -> None:
    case = next(str(i) for i in kb.store.ids if kb.cases([int(i)])[0].measurements.heart_rate_bpm)
    page = visit(f"#decide/{case}")
    page.wait_for_selector(".statement .decision")
    n = page.locator(".decision").count()
    sign = page.get_by_role("button", name="Sign", exact=True)
    assert sign.is_disabled()
    page.locator(".decision").first.get_by_label("Edit").check()
    page.locator(".decision textarea").first.fill("In other words.")
    page.get_by_role("button", name="Accept the rest").click()
    assert f"{n} / {n}" in page.inner_text(".sign")
    sign.click()
    page.wait_for_selector(".history li")
    kept = texts(page, ".history li")
    assert len(kept) == n
    assert any("In other words." in one and "Signed by local" in one for one in kept)


def test_ask_answers_with_its_evidence(visit, case_id: str, pictures: Path) -> None:
    page = visit(f"#ask/{case_id}")
    page.get_by_label("Your question").fill("What is the heart rate?")
    page.keyboard.press("Enter")
    page.wait_for_selector(".turn .statement, .turn .note")
    assert page.locator(".turn").count() == 2
    page.wait_for_selector(".log[aria-busy=false]")
    page.screenshot(path=pictures / "asked.png")


def test_the_archive_counts_what_there_is(visit, kb: KnowledgeBase) -> None:
    page = visit("#archive")
    page.wait_for_selector(".facts")
    assert str(len(kb)) in page.inner_text(".facts")
    assert page.locator(".chart .bar").count() > 0
    page.get_by_role("link", name="female").or_(page.locator(".bars a")).first.click()
    page.wait_for_selector(".card:not(.blank)")


def test_an_administrator_starts_a_check_and_sees_it_end(visit, pictures: Path) -> None:
    page = visit("#archive")
    page.wait_for_selector(".jobs .tools button")
    page.get_by_role("button", name="Check", exact=True).click()
    page.wait_for_selector(".job[data-state=done] >> nth=0", timeout=120_000)
    assert "all as it was written" in page.inner_text(".job >> nth=0")
    assert "local" in page.inner_text(".job >> nth=0")
    page.locator(".jobs").scroll_into_view_if_needed()
    page.screenshot(path=pictures / "jobs.png")


def test_an_administrator_stops_a_job(visit, kb: KnowledgeBase) -> None:
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom precordia.indexing.jobs import Recorder\n"
        "with Recorder(Path(sys.argv[1]), 'refit', by='me'):\n    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(kb.path)], stderr=subprocess.DEVNULL) as work:
        page = visit("#archive")
        page.get_by_role("button", name="Stop: Fit anew").press("Enter")
        page.wait_for_selector(".job[data-state=stopped]:has-text('stopped by local')")
        assert "is kept" in page.inner_text(".job[data-state=stopped]")
        assert page.get_by_role("button", name="Fit anew").is_enabled()
        assert work.wait(20) != 0


def test_a_finger_measures_and_takes_up_a_point_again(visit, case_id: str) -> None:
    page = visit(f"#read/{case_id}", width=820, height=1180, touch=True)
    page.wait_for_selector(".over[style]")
    page.wait_for_selector("table.numbers td")
    # A tablet is too narrow for 10 s at true scale: all of it is there, smaller.
    assert page.evaluate("(s => s.scrollWidth - s.clientWidth)(document.querySelector('.board .scroll'))") <= 1
    box = page.locator(".over").bounding_box()
    page.select_option("label:has-text('Zoom') select", label="100 %")
    fingers = page.context.new_cdp_session(page)

    def finger(kind: str, x: float = 0, y: float = 0) -> None:
        points = [] if kind == "touchEnd" else [{"x": box["x"] + x, "y": box["y"] + y}]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def drag(start: tuple[float, float], end: tuple[float, float]) -> None:
        finger("touchStart", *start)
        for part in (0.25, 0.5, 0.75, 1):
            finger("touchMove", *(a + part * (b - a) for a, b in zip(start, end, strict=True)))
        finger("touchEnd")

    second = 25 * 96 / 25.4
    drag((100, 60), (100 + second, 60))
    assert "1,000 ms" in page.inner_text(".readout")
    # The end is taken up by a finger that comes near it, and moves on; the page does not.
    drag((100 + second + 10, 70), (100 + 2 * second, 60))
    assert "2,000 ms" in page.inner_text(".readout")
    assert page.evaluate("scrollY") == 0
    page.uncheck("text=Calipers")
    assert page.evaluate("document.querySelector('.over').style.touchAction").startswith("pan")


def test_a_dropped_file_is_read_and_a_wrong_one_says_why(visit, archive: Archive, tmp_path: Path) -> None:
    page = visit()
    page.wait_for_selector(".card:not(.blank)")
    drop(page, next(archive.folder.rglob("*.xml")))
    page.wait_for_selector(".card meter")
    assert any(why.startswith("signal ") for why in texts(page, ".why"))
    page.get_by_role("button", name="Read", exact=True).click()
    page.wait_for_selector("table.numbers")
    wrong = tmp_path / "letter.txt"
    wrong.write_text("Dear colleague")
    page.goto(page.url.split("#")[0] + "#find")
    page.set_input_files("#file", wrong)
    page.wait_for_selector(".state.bad")
    assert "This did not work" in page.inner_text(".state.bad")


def test_a_watch_and_a_long_recording_say_what_they_cannot_show(visit, tmp_path: Path, pictures: Path) -> None:
    ecg = simulate("AFIB", seed=5).recording
    row = ecg.signal[ecg.leads.index("I")]
    lines = (f"{i / ecg.fs:.4f},{value:.4f}" for i, value in enumerate(row))
    watch = tmp_path / "watch.csv"
    watch.write_text("\n".join(("time,I", *lines)))
    leads = tuple(ecg.leads.index(lead) for lead in ("II", "V5"))
    long = replace(ecg, signal=np.tile(ecg.signal[leads, :], (1, 40)), leads=("II", "V5"), report=None)
    holter = WRITERS.get("edf")(tmp_path / "holter", long)
    page = visit()
    page.wait_for_selector(".card:not(.blank)")
    for file, told in ((watch, "ECG of one lead"), (holter, "Long recording")):
        drop(page, file)
        page.wait_for_selector(f".chips .limits:has-text('{told}')")
        assert "cannot show" in page.inner_text(".limits")
        page.get_by_role("button", name="Read", exact=True).click()
        page.wait_for_selector(f".panel .limits:has-text('{told}')")
        page.wait_for_selector(".over[style]")
        page.screenshot(path=pictures / f"{file.stem}.png")
        page.go_back()
        page.wait_for_selector(".chips .limits")


def test_offline_is_said_and_what_was_typed_is_kept(visit) -> None:
    page = visit()
    page.wait_for_selector(".card:not(.blank)")
    page.context.set_offline(True)
    page.fill("#words", "women")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=The service cannot be reached")
    assert page.input_value("#words") == "women"
    page.context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    page.wait_for_selector(".card:not(.blank)")


@pytest.mark.data
def test_files_of_real_carts_are_read(visit, data_dir: Path) -> None:
    page = visit("#archive")
    for name in sorted((data_dir / "formats").rglob("*.xml"))[:2] + sorted((data_dir / "formats").rglob("*.dcm"))[:1]:
        page.wait_for_timeout(100)
        drop(page, name)
        page.wait_for_selector(f".about:has-text('{name.name}')")
        page.wait_for_selector(".over[style]")
        page.wait_for_selector("table.numbers")
