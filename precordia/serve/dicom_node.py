"""A DICOM node that carts and PACS send ECGs to (C-STORE); what it takes lies in a folder that a build watches.

A sender is told of success when the file is on the disk. Only ECG waveforms are taken. DICOM knows no passwords: listen where
only carts reach, and name the titles that may send.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from precordia.core.errors import KnowledgeBaseError, MissingExtraError, UsageError
from precordia.indexing.durable import write_atomically
from precordia.serve.upload import MAX_BYTES

ECG_CLASSES: Final = (
    "1.2.840.10008.5.1.4.1.1.9.1.1",
    "1.2.840.10008.5.1.4.1.1.9.1.2",
    "1.2.840.10008.5.1.4.1.1.9.1.3",
    "1.2.840.10008.5.1.4.1.1.9.1.4",
)
"""12-lead, general and ambulatory ECG, and general 32-bit ECG waveform storage."""

_VERIFICATION: Final = "1.2.840.10008.1.1"
_TAKEN, _TOO_LARGE, _FAILED = 0x0000, 0xA700, 0xC001
_ASSOCIATIONS: Final = 20
_IDLE_S: Final = 30


@contextmanager
def receiving(
    folder: Path, port: int, *, host: str = "127.0.0.1", title: str = "PRECORDIA", senders: Sequence[str] = ()
) -> Iterator[int]:
    """Take ECGs into a folder while the context lasts; gives the port.

    Args:
        folder: Where they are put, under names of our own making.
        port: 0 for any that is free.
        host: Address to listen on.
        title: Of this node (AE title).
        senders: Titles that may send; empty for all.

    Raises:
        MissingExtraError: pynetdicom is not installed.
        UsageError: the port cannot be listened on, or a title is none.
    """
    try:
        from pynetdicom import AE, evt
    except ImportError:
        raise MissingExtraError("pynetdicom", "dicom-node", "receiving DICOM") from None

    def take(event: Any) -> int:
        return _take(folder, event)

    try:
        node = AE(ae_title=title)
        node.require_calling_aet = list(senders)
    except (ValueError, TypeError) as error:
        raise UsageError(f"a title of DICOM has 1 to 16 plain characters ({error})") from None
    node.require_called_aet = True
    node.maximum_associations = _ASSOCIATIONS
    node.acse_timeout = node.dimse_timeout = node.network_timeout = _IDLE_S
    for kind in (*ECG_CLASSES, _VERIFICATION):
        node.add_supported_context(kind)
    try:
        server = node.start_server((host, port), block=False, evt_handlers=[(evt.EVT_C_STORE, take)])
    except OSError as error:
        raise UsageError(f"port {port} of {host} cannot be listened on ({error.strerror})") from None
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()


def _take(folder: Path, event: Any) -> int:
    """Put an ECG into the folder; the status of DICOM."""
    content = event.encoded_dataset()
    if len(content) > MAX_BYTES:
        return _TOO_LARGE
    name = hashlib.sha256(str(event.request.AffectedSOPInstanceUID).encode()).hexdigest()[:32]
    try:
        write_atomically(folder / f"{name}.dcm", content)
    except (KnowledgeBaseError, OSError):
        return _FAILED
    return _TAKEN
