"""What is in a file of any kind of heart signal, without an archive: JSON values."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Final

from precordia.core.documents import finding_document, measurements_document, quality_document, recording_document
from precordia.core.errors import UnknownFormatError, UnusableSignalError
from precordia.signals.door import Admitted
from precordia.signals.file_channels import other_kind_of
from precordia.signals.long.outline import read_held_recording
from precordia.signals.opening import Read, open_signal
from precordia.signals.pulse.pressure import Reading

NEEDED: Final = (
    "a pulse is read from EDF, or from columns time (s) and PLETH or PPG; "
    "a video's frames from columns time (ms), red, green and blue"
)


def inspect_signal(
    path: str | PathLike[str], calibration: Sequence[Reading] = (), read: Read = read_held_recording
) -> tuple[dict[str, Any], str | None]:
    """What a file holds, and the one line on what its kind can and cannot show; None for a resting ECG.

    Args:
        path: The file.
        calibration: Of pulses of two sites: readings of this person's cuff, without which there is no blood pressure.
        read: Reads an ECG.

    Raises:
        InputError: it cannot be read, or holds no signal of the heart.
    """
    try:
        admitted = open_signal(path, read)
    except (UnusableSignalError, UnknownFormatError):
        other = other_kind_of(path)
        if other is None:
            raise
        told: dict[str, Any] = {}
        if other.name == "electrogram":
            from precordia.signals.catheter.report import report as report_electrogram

            told = {"electrogram": report_electrogram(Path(path))}
        else:
            from precordia.signals import pulse

            measured = pulse.pulses_in(Path(path))
            told = {"not_measured": NEEDED} if measured is None else pulse.report(measured, calibration)
        return {"source": str(path), "signal": other.document(), **told}, other.limits
    return _of_ecg(admitted), admitted.told


def _of_ecg(admitted: Admitted) -> dict[str, Any]:
    from precordia.concepts import findings_from_codes, findings_from_measurements, label_report
    from precordia.records.quality import assess

    recording, kind = admitted.recording, admitted.kind
    quality = assess(recording)
    measurements = admitted.measured(quality)
    said = [f for text in (recording.report, *recording.vendor_statements) if text for f in label_report(text)]
    said = [*said, *findings_from_codes(recording.codes)]
    measured = [f for f in findings_from_measurements(measurements) if kind.may_say(f.concept)]
    return {
        **recording_document(recording),
        **({} if kind.is_whole else {"signal": admitted.document}),
        "quality": quality_document(quality),
        "measurements": measurements_document(measurements),
        "findings": {
            "said": [finding_document(f) for f in dict.fromkeys(said)],
            "measured": [finding_document(f) for f in measured],
        },
    }
