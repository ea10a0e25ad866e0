"""Scripts in every field that the page shows: all of them are text, in each of the six views."""

from __future__ import annotations

import json
from typing import Any, Final

from tests.serve.browser.test_looks import READY, at
from tests.serve.browser.test_walk import texts

SCRIPT: Final = '"\'><img src=x onerror="window.got=1"><script>window.got=1</script>'

# What the page goes by, and no archive, patient or person ever writes.
_OURS: Final = {
    "case_id",
    "next",
    "state",
    "kind",
    "doing",
    "unit",
    "status",
    "sex",
    "time",
    "recorded_at",
    "started",
    "role",
}


def poisoned(value: Any, key: str = "") -> Any:
    """A document whose every text that somebody could have written ends in a script."""
    if isinstance(value, dict):
        return {name: poisoned(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [poisoned(inner, key) for inner in value]
    return value + SCRIPT if isinstance(value, str) and key not in _OURS else value


def test_scripts_in_every_field_are_text(visit, case_id: str) -> None:
    page = visit("#archive")
    page.wait_for_selector(".facts")
    seen = []

    def answer(route) -> None:
        response = route.fetch()
        if "json" not in response.headers.get("content-type", ""):
            route.fulfill(response=response)
            return
        document = response.json()
        seen.append(route.request.url)
        # Samples and marks are numbers under the names of leads.
        plain = any(part in route.request.url for part in ("/signal", "/measure"))
        route.fulfill(response=response, body=json.dumps(document if plain else poisoned(document)))

    page.route("**/v1/**", answer)
    saved = json.dumps([{"text": SCRIPT, "picked": [f"device:{SCRIPT}"]}])
    page.evaluate("saved => localStorage.setItem('searches', saved)", saved)
    for view, ready in READY.items():
        page.evaluate("hash => { location.hash = hash; }", at(view, case_id))
        page.wait_for_selector(ready)
        if view == "ask":
            page.get_by_label("Your question").fill(f"{SCRIPT} What is the heart rate?")
            page.keyboard.press("Enter")
            page.wait_for_selector(".turn .statement, .turn .note")
        page.wait_for_load_state("networkidle")
        assert "onerror" in page.inner_text("body"), view
        assert page.locator("main img, main script, header img, dialog img").count() == 0, view
    page.evaluate("text => { location.hash = '#find?' + new URLSearchParams({text, pick: 'device:' + text}); }", SCRIPT)
    page.wait_for_selector(".saved li")
    assert any("onerror" in one for one in texts(page, ".saved li"))
    page.get_by_label("Choose an ECG file").set_input_files(
        {"name": f"{SCRIPT.replace('/', '')}.csv", "mimeType": "text/csv", "buffer": b"time,I\n0,1\n"}
    )
    page.wait_for_selector(".chip.file:has-text('onerror')")
    page.wait_for_load_state("networkidle")
    assert page.locator("main img, main script, header img").count() == 0
    assert page.evaluate("window.got") is None
    assert len(seen) > 10
    # What the page still asks for when it closes would be answered by nobody.
    page.unroute_all(behavior="ignoreErrors")
