"""How a query is embedded: an ECG of few leads by its own vector and those of its drawn leads and of the aligned head, fused."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import CheckpointError
from precordia.core.leads import LEADS
from precordia.core.protocols import Encoder
from precordia.core.recording import Recording
from precordia.signals.leads.alignment import Alignment, load_alignment
from precordia.signals.leads.drawers import load_drawer
from precordia.signals.leads.drawing import draw_leads

DIRECT: Final = "direct"
FUSED: Final = "fused"
REMEDY: Final = "precordia train leads aligned --data DIR --out precordia/signals/leads/weights/aligned"
FEW: Final = 6
"""More leads than these are embedded as they are: what they lack is little."""


@dataclass(frozen=True, eq=False)
class Embedded:
    """A query's vector, and how it was made.

    Attributes:
        vector: ``(dim,)`` unit vector.
        how: In words, for whoever asks why a case was found.
    """

    vector: NDArray[np.float32]
    how: str


def embed_query(encoder: Encoder, recording: Recording, alignment: Alignment | None = None) -> Embedded:
    """The vector to search with.

    Recordings whose leads are one of the alignment's groups are fused; all others, and all where the alignment is of another
    encoder or drawer, have the encoder's own vector.

    Args:
        encoder: Of the archive.
        recording: Any leads.
        alignment: By default the one that ships.

    Raises:
        UnusableSignalError: the recording cannot be embedded.
    """
    recording = recording.measured
    direct = encoder.embed([recording])
    leads = [lead for lead in recording.leads if lead in LEADS]
    if len(leads) > FEW:
        return Embedded(direct[0], DIRECT)
    alignment = alignment or load_alignment()
    group = alignment.group_of(leads)
    if group is None or not alignment.used:
        return Embedded(direct[0], DIRECT)
    try:
        check(alignment, encoder)
    except CheckpointError as error:
        return Embedded(direct[0], f"{DIRECT}: {error}")
    twelve = draw_leads(recording, alignment.drawer)
    # For its vector alone, and never handed on: what is drawn counts as if it had been recorded.
    drawn = encoder.embed([replace(twelve, inferred_leads=())])
    vector = alignment.fused(direct, drawn, group)[0]
    return Embedded(vector, f"{FUSED}: {', '.join(group)} with {', '.join(twelve.inferred_leads)} inferred")


def check(alignment: Alignment, encoder: Encoder) -> None:
    """Refuse an alignment that was fitted for another encoder or drawer.

    Raises:
        CheckpointError: it was; says how to make it again.
    """
    if alignment.encoder != encoder.fingerprint:
        raise CheckpointError(
            f"the alignment of few leads is of encoder {alignment.encoder}, not of {encoder.fingerprint}; make it again: {REMEDY}"
        )
    stored = load_drawer(alignment.drawer)
    if stored.fingerprint != alignment.drawer_fingerprint:
        raise CheckpointError(
            f"the alignment of few leads is of lead drawer {alignment.drawer_fingerprint}, not of {stored.fingerprint}; "
            f"make it again: {REMEDY}"
        )
