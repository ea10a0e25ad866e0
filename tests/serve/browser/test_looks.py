"""What the page owes everyone: names, contrast, two languages, a dark room, a tablet; and that it is quick."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("browser")
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


def test_every_word_is_there_in_german(visit) -> None:
    page = visit(locale="de-DE")
    page.wait_for_selector(".card")
    assert page.locator("nav a").all_inner_texts() == [
        "Finden",
        "Lesen",
        "Vergleichen",
        "Entscheiden",
        "Fragen",
        "Archiv",
    ]
    assert page.get_attribute("html", "lang") == "de"
    page.get_by_label("Sprache").select_option("en")
    assert page.locator("nav a").first.inner_text() == "Find"


def test_the_first_paint_and_a_cards_ecg_are_quick(visit) -> None:
    page = visit()
    page.wait_for_selector("canvas.small[data-drawn]")
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    drawing = page.evaluate(
        """async () => {
          const {trace} = await import('/static/paper.js');
          const signal = {fs: 100, leads: ['II'], samples: {II: Array.from({length: 400}, (_, i) => Math.sin(i / 9))}};
          const canvas = document.querySelector('canvas.small'), start = performance.now();
          for (let i = 0; i < 10; i++) trace(canvas, signal);
          return (performance.now() - start) / 10;
        }"""
    )
    assert paint < 1000
    assert drawing < 100
