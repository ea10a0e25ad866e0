"""Signing in at the page, by keyboard, in both languages; and out again."""

from __future__ import annotations

from pathlib import Path

import pytest

from precordia import KnowledgeBase
from precordia.serve.app import create_app
from precordia.serve.security.tokens import Tokens, new_token
from tests.serve.browser.conftest import served


@pytest.mark.parametrize(
    ("locale", "name", "signed_in", "out"),
    [("en-GB", "Sign in", "anna · reads", "Sign out"), ("de-DE", "Anmelden", "anna · liest", "Abmelden")],
)
def test_one_signs_in_by_keyboard_and_out_again(
    visit, kb: KnowledgeBase, case_id: str, pictures: Path, locale: str, name: str, signed_in: str, out: str
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python").Axe()
    token, line = new_token("anna", "read")
    with served(create_app(kb, rate=1e6, tokens=Tokens(lines=[line]))) as place:
        page = visit(f"#read/{case_id}", locale=locale, at=place)
        page.wait_for_selector("dialog.sign-in")
        assert page.get_by_role("dialog", name=name).is_visible()
        assert axe.run(page).response["violations"] == []
        page.screenshot(path=pictures / f"sign-in-{locale}.png")
        # The field has the focus.
        page.keyboard.type("a wrong one")
        page.keyboard.press("Enter")
        page.wait_for_selector(".wrong")
        page.keyboard.type(token)
        page.keyboard.press("Enter")
        page.wait_for_selector(f".person:has-text('{signed_in}')")
        # What was wanted is there, and nothing of the token is left behind.
        page.wait_for_selector(".over[style]")
        assert page.url == f"{place}/#read/{case_id}"
        kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
        assert token not in kept
        assert "precordia" not in kept
        page.get_by_role("button", name=out).click()
        page.wait_for_selector("dialog.sign-in")
        assert page.locator(".person").count() == 0
