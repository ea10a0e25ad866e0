"""The HTML page: one file, nothing loaded from elsewhere, no script, light or dark as the reader's system is."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from precordia.eval.harness.page.content import Content
from precordia.eval.harness.page.plots import STYLE, draw

LEAD = (
    "Each section is one run of one task. Beside a figure, in brackets, stands its 95% interval where it has one; unless the "
    "protocol says otherwise it comes from drawing patients, with all of their ECGs, again and again. n is the number of "
    "samples.",
    "Where two intervals overlap widely, the figures do not say which is better. A figure speaks of the archive it was "
    "measured on; the notes of its run say what cannot be concluded from it.",
)
"""What a reader must know first."""

_FOLDER = Path(__file__).parent


def page(content: Content) -> str:
    """The page as text; the same content gives the same bytes."""
    environment = Environment(
        loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=False
    )
    style = (_FOLDER / "page.css").read_text("utf-8") + STYLE.read_text("utf-8")
    text = environment.get_template("page.html.j2").render(
        content=content,
        lead=LEAD,
        style=Markup(style),
        plots={section.anchor: Markup(draw(section.shown)) for section in content.sections},
    )
    return text if text.endswith("\n") else text + "\n"
