"""What training minimises: one short file an objective, combined by a recipe's weights."""

from __future__ import annotations

from precordia.core.registry import Registry
from precordia.encoders.objectives.objective import Objective

OBJECTIVES: Registry[type[Objective]] = Registry(
    "objective",
    {
        "masked_signal": "precordia.encoders.objectives.masked_signal:MaskedSignal",
        "contrast": "precordia.encoders.objectives.contrast:Contrast",
        "vicreg": "precordia.encoders.objectives.vicreg:Vicreg",
        "distillation": "precordia.encoders.objectives.distillation:Distillation",
        "text_alignment": "precordia.encoders.objectives.text_alignment:TextAlignment",
        "report_words": "precordia.encoders.objectives.report_words:ReportWords",
        "report_findings": "precordia.encoders.objectives.report_findings:ReportFindings",
    },
)

__all__ = ["OBJECTIVES", "Objective"]
