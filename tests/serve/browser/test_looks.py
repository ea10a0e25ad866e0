"""What the page owes everyone: names, contrast, two languages, a dark room, a tablet; and that it is quick."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from precordia.concepts import vocabulary
from precordia.serve.app import STATIC

READY = {
    "find": "canvas.small[data-drawn]",
    "read": ".precedents li",
    "compare": ".pair .half .over[style]",
    "decide": ".statements",
    "ask": ".over[style]",
    "archive": ".facts",
}


def at(view: str, case_id: str) -> str:
    return f"#{view}" if view in ("find", "archive") else f"#{view}/{case_id}"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_breaks_the_rules_of_accessibility(visit, case_id: str, theme: str, pictures: Path) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python").Axe()
    page = visit(theme=theme)
    for view, ready in READY.items():
        page.evaluate("hash => { location.hash = hash; }", at(view, case_id))
        page.wait_for_selector(ready)
        page.screenshot(path=pictures / f"{view}-{theme}.png")
        found = axe.run(page).response["violations"]
        assert [(view, v["id"], [n["html"][:120] for n in v["nodes"]][:3]) for v in found] == []


def test_a_tablet_needs_no_sideways_scrolling(visit, case_id: str, pictures: Path) -> None:
    page = visit(width=820, height=1180)
    for view, ready in READY.items():
        page.evaluate("hash => { location.hash = hash; }", at(view, case_id))
        page.wait_for_selector(ready)
        page.screenshot(path=pictures / f"{view}-tablet.png")
        assert page.evaluate("document.documentElement.scrollWidth") <= 820, view


def test_every_word_is_there_in_german(visit, pictures: Path) -> None:
    page = visit(locale="de-DE")
    page.wait_for_selector(".card:not(.blank)")
    assert page.locator("nav a").all_inner_texts() == [
        "Finden",
        "Lesen",
        "Ereignisse",
        "Vergleichen",
        "Entscheiden",
        "Fragen",
        "Archiv",
    ]
    assert page.get_attribute("html", "lang") == "de"
    page.wait_for_selector(".facet")
    facets = page.locator(".facet").all_inner_texts()
    assert any("Sinusrhythmus" in facet for facet in facets)
    assert any("weiblich" in facet for facet in facets)
    page.fill("#words", "Frauen über 20 mit Sinusrhythmus")
    page.keyboard.press("Enter")
    page.wait_for_selector(".chip")
    chips = page.locator(".chip").all_inner_texts()
    assert {chip.split("\n")[0].rstrip("× ") for chip in chips} == {"Sinusrhythmus", "Frauen", "über 20"}
    page.screenshot(path=pictures / "find-german.png")
    page.get_by_role("button", name="Entfernen Frauen").click()
    page.wait_for_selector(".chip >> nth=2", state="detached")
    page.get_by_label("Sprache").select_option("en")
    assert page.locator("nav a").first.inner_text() == "Find"


def test_every_finding_has_a_german_name() -> None:
    text = (STATIC / "german.js").read_text(encoding="utf-8")
    there = set(re.findall(r'"([^"]+)": ', text))
    missing = [concept.name for concept in vocabulary() if concept.name not in there]
    assert missing == []


def test_what_is_shown_is_told_to_who_hears_it(visit, case_id: str) -> None:
    page = visit()
    page.wait_for_selector(".card:not(.blank)")
    assert page.locator("#say").inner_text() == "Find"
    page.locator("nav a", has_text="Archive").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".facts")
    assert page.locator("#say").inner_text() == "Archive"
    # Who came by keyboard is not thrown back to the top of the page.
    assert page.evaluate("document.activeElement.id") == "main"
    page.evaluate("hash => { location.hash = hash; }", f"#read/{case_id}")
    page.wait_for_selector(".over[style]")
    assert "12 leads, 10 s, 25 mm/s, 10 mm/mV" in page.get_attribute(".sheet canvas", "aria-label")
    for selector in (".readout", ".log", "[role=status]"):
        page.evaluate("hash => { location.hash = hash; }", f"#{'ask' if selector == '.log' else 'read'}/{case_id}")
        page.wait_for_selector(selector, state="attached")
    page.evaluate("hash => { location.hash = hash; }", f"#ask/{case_id}")
    page.get_by_label("Your question").fill("What does this ECG show?")
    page.keyboard.press("Enter")
    page.wait_for_selector(".turn .statement, .turn .note")
    page.wait_for_selector(".log[aria-busy=false]")
    assert page.get_attribute(".log", "aria-live") == "polite"
    assert page.locator(".log .statement").count() == page.locator(".log .statement .text").count()


def test_the_first_paint_waits_for_little_and_a_card_for_its_own_ecg(visit, case_id: str) -> None:
    page = visit()
    page.wait_for_selector("canvas.small[data-drawn]")
    asked = page.evaluate(
        "performance.getEntriesByType('resource').map(one => [new URL(one.name).pathname, one.decodedBodySize])"
    )
    # How long it takes, python -m benchmarks.scroll says; here, what has to come before anything is seen.
    assert sum(size for path, size in asked if path.startswith("/static/")) < 150_000
    signals = [size for path, size in asked if path.endswith("/signal")]
    assert signals
    assert max(signals) < 6_000
