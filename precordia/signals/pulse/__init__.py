"""The pulse: of a fingertip or face on video, of a pulse oximeter or a watch. It tells when the heart beats, not how it conducts.

from precordia.signals.pulse import analyse_pulse, analyse_frames, read_frame_table
analyse_frames(read_frame_table("PPG.csv")).rate_bpm
"""

from __future__ import annotations

from precordia.signals.pulse.analysis import PulseAnalysis, analyse_frames, analyse_pulse
from precordia.signals.pulse.frames import FrameTable, is_frame_table, read_frame_table
from precordia.signals.pulse.report import report
from precordia.signals.pulse.table import Pulses, pulses_in

__all__ = [
    "FrameTable",
    "PulseAnalysis",
    "Pulses",
    "analyse_frames",
    "analyse_pulse",
    "is_frame_table",
    "pulses_in",
    "read_frame_table",
    "report",
]
