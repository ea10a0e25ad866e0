"""A page with an ECG of few leads and, marked as such, the leads that a model drew beside them."""

from __future__ import annotations

from html import escape
from typing import Final

from precordia.core.recording import Recording
from precordia.generation.pages.ecg_paper import describe, draw
from precordia.generation.pages.page import TEMPLATES

WARNING: Final = (
    "Dashed leads were not recorded. They show what is usual beside the recorded ones, not what this heart does: nothing is "
    "measured on them, and they are no evidence of infarction, ischaemia, ST change or hypertrophy."
)


def render_leads(recording: Recording) -> str:
    """The page as text, one file without links.

    Args:
        recording: As :func:`~precordia.signals.leads.drawing.draw_leads` returns it.
    """
    notes = "".join(f" · {escape(note)}" for note in recording.notes)
    warning = f'<p class="warning" role="note">{WARNING}</p>' if recording.inferred_leads else ""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>ECG {escape(recording.recording_id)}</title>\n"
        f"<style>{(TEMPLATES / 'page.css').read_text(encoding='utf-8')}</style>\n</head>\n<body>\n"
        f"<header><h1>ECG {escape(recording.recording_id)}</h1>"
        '<p class="disclaimer">Made by Precordia, for a clinician to check. Not a medical device.</p></header>\n'
        f'{warning}<figure class="sheet"><div class="scroll" tabindex="0" role="region" '
        f'aria-label="ECG on paper, scrolls sideways">{draw(recording)}</div>'
        f"<figcaption>{escape(describe(recording))}{notes}</figcaption></figure>\n</body>\n</html>\n"
    )
