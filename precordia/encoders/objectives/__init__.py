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
        "ecg_text_matching": "precordia.encoders.objectives.ecg_text_matching:EcgTextMatching",
        "masked_text": "precordia.encoders.objectives.masked_text:MaskedText",
        "optimal_transport": "precordia.encoders.objectives.optimal_transport:OptimalTransport",
        "self_cut": "precordia.encoders.objectives.self_cut:SelfCut",
        "visits": "precordia.encoders.objectives.visits:Visits",
        "learned_views": "precordia.encoders.objectives.learned_views:LearnedViews",
        "signal_measurements": "precordia.encoders.objectives.signal_measurements:SignalMeasurements",
        "report_words": "precordia.encoders.objectives.report_words:ReportWords",
        "predictive_coding": "precordia.encoders.objectives.predictive_coding:PredictiveCoding",
        "joint_embedding": "precordia.encoders.objectives.joint_embedding:JointEmbedding",
        "measured_findings": "precordia.encoders.objectives.measured_findings:MeasuredFindings",
        "report_findings": "precordia.encoders.objectives.report_findings:ReportFindings",
    },
)

__all__ = ["OBJECTIVES", "Objective"]
