"""What a model draws beside a signal, as pages to look at: the leads that were not recorded, an ECG beside a pulse."""

from __future__ import annotations

from pathlib import Path

from precordia.core.errors import UsageError
from precordia.generation.pages.leads_page import render_leads
from precordia.generation.pages.synthetic_page import render_synthetic
from precordia.serve.answers import Answer, Shown
from precordia.serve.upload import with_upload
from precordia.serve.work.room import Ecg, Room
from precordia.serve.work.tracing import shown_of
from precordia.serve.work.writing import HTML
from precordia.signals.door import LONG, admit
from precordia.signals.leads.drawing import draw_leads


def draw(room: Room, ecg: Ecg) -> Answer:
    """A page: of an ECG of few leads all twelve, those that were drawn marked; of a pulse a watermarked synthetic ECG.

    Raises:
        UsageError: it is a long recording.
        InputError: the file cannot be used.
    """
    page = (
        None if ecg.case is not None else with_upload(ecg.filename, ecg.content, lambda file: _beside_pulse(file, ecg))
    )
    if page is not None:
        return Shown().answer(page.encode(), HTML)
    recording = room.recording(ecg)
    admitted = admit(recording)
    if admitted.kind.name == LONG:
        raise UsageError("leads are drawn beside those of two minutes at most: send a stretch of this recording")
    return shown_of(room, ecg, recording).answer(render_leads(draw_leads(admitted.recording)).encode(), HTML)


def _beside_pulse(file: Path, ecg: Ecg) -> str | None:
    """The page of a file that holds a pulse; None of any other."""
    from precordia.signals.pulse.synthetic import draw_ecg
    from precordia.signals.pulse.table import pulses_in

    pulses = pulses_in(file)
    return None if pulses is None else render_synthetic(draw_ecg(pulses.best()[1], pulses.fs), ecg.filename)
