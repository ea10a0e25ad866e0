"""What is fitted, and how it is made: :func:`train` for Python, ``precordia train`` for the command line.

===============  ============================================================================================
``encoder``      an encoder from a recipe and ECGs
``reports``      a language model of our own for reports, or an adapter of a larger one
``answers``      what answers to questions rest on: probes, trust, thresholds
``calibration``  a knowledge base's own finding models, thresholds and promise
``leads``        what draws leads from others, and what aligns the vectors of few leads with those of all
``quality``      the coefficients of the signal score
``swaps``        the matrix by which exchanged arm electrodes are found
``pulse``        a pulse encoder in the space of an ECG encoder
``pulse-flow``   what draws an ECG beside a pulse, for looking at only
``pairs``        a head on an ECG encoder's vectors, taught by a table of a second modality
``catheter``     a masked model of simulated electrograms of the atria
``alarms``       how often each urgent finding is raised falsely, from what an evaluation has found
===============  ============================================================================================
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final

from precordia.core.errors import UsageError
from precordia.core.registry import Registry
from precordia.fitting.trained import Trained

__all__ = ["TRAININGS", "Trained", "train"]

TRAININGS: Final[Registry[Callable[..., Trained]]] = Registry(
    "training",
    {
        "alarms": "precordia.fitting.alarms:train_alarms",
        "answers": "precordia.fitting.answers.training:train_answers",
        "calibration": "precordia.fitting.calibration:train_calibration",
        "catheter": "precordia.fitting.signals.catheter:train_catheter",
        "encoder": "precordia.fitting.encoders.training:train_encoder",
        "leads": "precordia.fitting.signals.leads.training:train_leads",
        "pairs": "precordia.fitting.signals.pairs:train_pairs",
        "pulse": "precordia.fitting.signals.pulse:train_pulse",
        "pulse-flow": "precordia.fitting.signals.pulse_flow:train_pulse_flow",
        "quality": "precordia.fitting.quality:train_quality",
        "reports": "precordia.fitting.reports.training:train_reports",
        "swaps": "precordia.fitting.quality:train_swaps",
    },
)
"""Name to what does it; the options of each are its arguments."""


def train(what: str, *arguments: Any, **settings: Any) -> Trained:
    """Train or fit something, and write it: everything that ships fitted is made by this.

    Args:
        what: "encoder", "reports", "answers", "calibration", "leads", "pulse", "pulse-flow", "pairs", "catheter", "quality",
            "swaps" or "alarms".
        arguments: Of that training, in its order.
        settings: Likewise, by name; `docs/training.md` lists them.

    Raises:
        UnknownNameError: nothing of that name is trained.
        UsageError: an argument is missing, or one is given that the training does not take.

    >>> train("encoder", "tiny", "archive", out="runs/mine")  # doctest: +SKIP
    Trained('encoder', 'runs/mine')
    """
    training = TRAININGS.get(what)
    takes = inspect.signature(training)
    try:
        takes.bind(*arguments, **settings)
    except TypeError as error:
        raise UsageError(f"train {what}: {error}; it takes {', '.join(takes.parameters)}") from None
    return training(*arguments, **settings)
