"""The page: self-contained, everything escaped, every citation leads to its precedent, and abstention is seen."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import pytest
from precedents import judged, precedent, query_recording

from precordia.core.drafts import Citation, Draft, Statement
from precordia.core.findings import Finding, Measurements
from precordia.core.recording import Problem, Quality
from precordia.core.retrieval import Hit, Why
from precordia.generation.pages.page import render
from precordia.generation.reports.composer import compose

QUERY = query_recording()
HITS = [precedent(i, "SR", "CLBBB", similarity=0.97 - i / 100) for i in range(1, 5)]
MEASURED = Measurements(heart_rate_bpm=74.0, pr_ms=160.0, qrs_ms=92.0, qtc_ms=470.0, axis_deg=-20.0, r_mv={"V1": 0.25})
XSS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "'><body onload=alert(1)>",
    "</title><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "<a href='javascript:alert(1)'>x</a>",
    "{{ 7 * 7 }}{% raw %}",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<!--",
    "]]><script>alert(1)</script>",
]


class Reader(HTMLParser):
    """Tags with their attributes, and the text that a person sees."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "path", "rect", "br", "input", "img", "link", "text"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def ids(self) -> list[str]:
        return [str(a["id"]) for _, a in self.tags if "id" in a]

    def links(self) -> list[str]:
        return [str(a["href"]) for tag, a in self.tags if tag == "a"]


@pytest.fixture(scope="module")
def page() -> str:
    precedents = {1: query_recording(4.0)}
    return render(compose(judged(HITS, MEASURED)), QUERY, HITS, precedents=precedents)


def test_nothing_is_loaded_from_elsewhere_and_no_script_runs(page: str) -> None:
    reader = Reader(page)
    assert not {"script", "link", "iframe", "img", "object", "embed"} & {tag for tag, _ in reader.tags}
    assert not any(name.startswith("on") for _, attributes in reader.tags for name in attributes)
    assert "url(" not in page
    assert "@import" not in page
    assert all(link.startswith("#") for link in reader.links())
    assert any(a.get("http-equiv") == "Content-Security-Policy" for _, a in reader.tags)


def test_every_link_leads_somewhere_and_ids_are_unique(page: str) -> None:
    reader = Reader(page)
    ids = reader.ids()
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in reader.links()} <= set(ids)
    assert any(link.startswith("#case-") for link in reader.links())
    assert any(link.startswith("#s") for link in reader.links())


def test_statements_precedents_and_measurements_are_all_there(page: str) -> None:
    text = Reader(page).text
    draft = compose(judged(HITS, MEASURED))
    for statement in draft.statements:
        assert statement.text in text
        for warning in statement.warnings:
            assert warning in text
    for hit in HITS:
        assert hit.case.recording_id in text
    for shown in ("74 bpm", "160 ms", "92 ms", "470 ms", "-20°", "0.960", "0.25", "Age 64", "female"):
        assert shown in text


def test_the_words_that_are_quoted_are_marked_in_the_report(page: str) -> None:
    assert "<mark>sinus rhythm</mark>" in page


def test_the_ecg_is_there_in_millimetres_and_a_given_precedent_is_drawn(page: str) -> None:
    drawings = [a for tag, a in Reader(page).tags if tag == "svg" and "ecg" in (a.get("class") or "")]
    assert len(drawings) == 2
    assert (drawings[0].get("width") or "").endswith("mm")


def test_it_can_be_read_by_a_screen_reader_and_by_keyboard(page: str) -> None:
    reader = Reader(page)
    tags = [tag for tag, _ in reader.tags]
    assert dict(reader.tags)["html"].get("lang") == "en"
    assert tags.count("h1") == 1
    assert {"main", "header", "footer"} <= set(tags)
    assert all(a.get("role") == "img" or a.get("aria-hidden") == "true" for tag, a in reader.tags if tag == "svg")
    assert page.count("<title>") == 1 + 2  # the page's, and one for each ECG
    labelled = [a for tag, a in reader.tags if tag in ("section", "article")]
    assert all("aria-labelledby" in a for a in labelled)
    assert any(a.get("class") == "skip" for _, a in reader.tags)


@pytest.mark.parametrize("attack", XSS)
def test_untrusted_text_is_shown_and_never_run(attack: str) -> None:
    hit = precedent(1, report=f"{attack} sinus rhythm")
    case = replace(hit.case, recording_id=f"id {attack}")
    hit = replace(hit, case=case, why=Why({"signal": 0.9}, {}, (f"LBBB{attack}",)))
    draft = Draft(
        (Statement(f"Said {attack}", citations=(Citation(1, attack, attack),), support=0.5, warnings=(attack,)),),
        abstained=True,
        reason=attack,
        hits=(hit,),
        author=attack,
        warnings=(attack,),
        consider=(Statement(f"Consider {attack}", warnings=(attack,)),),
    )
    recording = replace(QUERY, recording_id=attack, device=attack, notes=(attack,))
    quality = Quality(0.5, True, {}, (Problem("noisy", (), 0.5, attack),))
    page = render(draft, recording, quality=quality, question=attack, precedents={1: recording})
    reader = Reader(page)
    assert not {"script", "iframe", "img", "body onload"} & {tag for tag, _ in reader.tags}
    assert not any(name.startswith("on") or name == "srcdoc" for _, a in reader.tags for name in a)
    assert all(link.startswith("#") for link in reader.links())
    assert " ".join(attack.split()) in reader.text
    assert reader.open == []


def test_abstention_and_its_reason_are_seen() -> None:
    draft = compose(judged([], MEASURED))
    text = Reader(render(draft, QUERY)).text
    assert "No precedent was found" in text
    assert "None was found." in text
    assert "74 bpm" in text


PEAKED = replace(MEASURED, t_mv={"V2": 1.2, "V3": 1.3}, t_width_ms={"V2": 70.0, "V3": 72.0})


@pytest.mark.parametrize("hits", [HITS, []], ids=["a report", "an abstention"])
def test_what_must_not_be_missed_stands_above_the_statements(hits: list[Hit]) -> None:
    draft = compose(judged(hits, PEAKED))
    (concern,) = draft.consider
    page = render(draft, QUERY)
    reader = Reader(page)
    assert concern.text in reader.text
    assert all(warning in reader.text for warning in concern.warnings)
    assert page.index("To consider") < page.index(draft.statements[0].text)
    assert {link[1:] for link in reader.links()} <= set(reader.ids())
    assert reader.open == []
    assert "To consider" not in render(compose(judged(hits, MEASURED)), QUERY)


def test_a_precedent_that_makes_one_consider_something_is_linked_both_ways() -> None:
    hits = [precedent(1, "VT"), *(precedent(i, "SR") for i in range(2, 6))]
    reader = Reader(render(compose(judged(hits)), QUERY))
    assert "#c1" in reader.links()
    assert {"c1", "case-1"} <= set(reader.ids())
    assert "to consider 1" in reader.text


def test_st_levels_are_in_sight_and_other_amplitudes_are_folded_away() -> None:
    measured = replace(MEASURED, st_j_mv={"V1": 0.21}, st_j60_mv={"V1": 0.17}, s_mv={"V1": 1.4})
    page = render(Draft((), measurements=measured), QUERY)
    folded = page[page.index("<details>") : page.index("</details>")]
    assert "ST at J" in page
    for shown in ("ST at J", "0.21", "0.17"):
        assert shown not in folded
    assert "1.40" in folded


def test_a_measurement_without_a_row_is_named_and_not_linked() -> None:
    statement = Statement("A pause.", (Finding("PFAIL", "uncertain"),), measurements=("rr_max_ms", "qrs_ms"))
    reader = Reader(render(Draft((), measurements=replace(MEASURED, rr_max_ms=1800.0), consider=(statement,)), QUERY))
    assert "Longest RR interval" in reader.text
    assert "#m-qrs_ms" in reader.links()
    assert "#m-rr_max_ms" not in reader.links()


def test_an_answer_shows_its_question() -> None:
    draft = compose(judged(HITS, MEASURED))
    assert (
        "Is this a left bundle branch block?"
        in Reader(render(draft, QUERY, question="Is this a left bundle branch block?")).text
    )


def test_values_outside_the_reference_are_flagged_by_word_not_by_colour_alone() -> None:
    draft = Draft((), measurements=Measurements(heart_rate_bpm=130.0, qtc_ms=455.0))
    text = Reader(render(draft, replace(QUERY, sex="M"))).text
    assert "130 bpm 60 to 100 high" in text
    assert "455 ms 350 to 450 high" in text
    assert "455 ms 350 to 460 high" not in Reader(render(draft, QUERY)).text


def test_the_same_draft_gives_the_same_page() -> None:
    draft = compose(judged(HITS, MEASURED))
    assert render(draft, QUERY, HITS) == render(draft, QUERY, HITS)


def test_a_recording_with_hardly_anything_known_has_a_page_too() -> None:
    bare = replace(query_recording(3.0, 100.0), age=float("nan"), sex=None)
    bare = replace(bare, signal=bare.signal[:1], leads=("II",))
    assert "nan" not in Reader(render(Draft((), abstained=True, reason="too weak"), bare)).text.lower().split()


def test_hidden_characters_are_written_out() -> None:
    hidden = "AF\x1b[2J \u202eeht \u200bfo\U000e0041\nsecond line"
    hits = [replace(hit, case=replace(hit.case, report=hidden, recording_id=f"r{hidden}")) for hit in HITS]
    page = render(
        compose(judged(hits, MEASURED)), replace(QUERY, device=hidden, recording_id=hidden), hits, question=hidden
    )
    assert all(c.isprintable() or c in "\n\t\xa0" for c in page)
    assert "AF\\x1b[2J \\u202eeht \\u200bfo\\U000e0041\nsecond line" in page


def test_other_patients_reports_are_shown_for_the_heart_alone() -> None:
    written = "Zyxwvut, Erika, *1.2.1950: sinus rhythm, seen by Dr. Meier. complete left bundle branch block"
    hits = [replace(hit, case=replace(hit.case, report=written)) for hit in HITS]
    draft = compose(judged(hits, MEASURED))
    page = render(draft, QUERY, hits)
    for secret in ("Zyxwvut", "Erika", "1950", "Meier"):
        assert secret not in page
    assert "complete left bundle branch block" in page.replace("<mark>", "").replace("</mark>", "")
    own = render(replace(draft, earlier=tuple(hits[:1])), QUERY, hits[1:])
    assert own.count("Meier") == 1
