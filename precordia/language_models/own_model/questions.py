"""Questions as the model was trained to be asked them."""

from __future__ import annotations

from typing import Final

from precordia.concepts import vocabulary

VERDICTS: Final = ("no", "not sure", "yes")


def is_there(concept: str) -> str:
    """The question whether an ECG shows a finding.

    >>> is_there("LBBB")
    'Is there left bundle branch block?'
    """
    return f"Is there {vocabulary().concept(concept).name}?"
