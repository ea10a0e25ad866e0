"""The tasks there are: name to ``"module:Class"``."""

from __future__ import annotations

from precordia.core.registry import Registry
from precordia.eval.harness.task import Task

TASKS: Registry[Task] = Registry(
    "evaluation task",
    {
        "quality": "precordia.eval.tasks.quality.task:QUALITY",
        "report-consensus": "precordia.eval.tasks.reports.consensus_task:REPORT_CONSENSUS",
        "reports": "precordia.eval.tasks.reports.task:REPORTS",
        "report-arms": "precordia.eval.tasks.reports.arms_task:REPORT_ARMS",
        "report-refined": "precordia.eval.tasks.reports.refined_task:REPORT_REFINED",
        "report-labels": "precordia.eval.tasks.report_labels.task:REPORT_LABELS",
        "measurements": "precordia.eval.tasks.measurements.task:MEASUREMENTS",
        "ecgqa": "precordia.eval.tasks.ecgqa.published_task:ECGQA",
        "ecgqa-numeric": "precordia.eval.tasks.ecgqa.numeric_task:ECGQA_NUMERIC",
        "ecgqa-built": "precordia.eval.tasks.ecgqa.built_task:ECGQA_BUILT",
        "ecgqa-contexts": "precordia.eval.tasks.ecgqa.contexts_task:ECGQA_CONTEXTS",
        "ecgqa-fewshot": "precordia.eval.tasks.ecgqa.fewshot_task:ECGQA_FEWSHOT",
        "own-model": "precordia.eval.tasks.own_model.task:OWN_MODEL",
        "encoder": "precordia.eval.tasks.encoder.task:ENCODER",
        "encoder-transfer": "precordia.eval.tasks.encoder.transfer_task:ENCODER_TRANSFER",
        "encoder-ablation": "precordia.eval.tasks.encoder.ablation_task:ENCODER_ABLATION",
        "report-languages": "precordia.eval.tasks.report_labels.languages_task:REPORT_LANGUAGES",
        "zero-shot": "precordia.eval.tasks.encoder.zero_shot_task:ZERO_SHOT",
        "paired": "precordia.eval.tasks.paired.task:PAIRED",
        "pulse": "precordia.eval.tasks.pulse.task:PULSE",
        "pulse-rhythm": "precordia.eval.tasks.pulse.rhythm_task:PULSE_RHYTHM",
        "catheter": "precordia.eval.tasks.catheter.task:CATHETER",
        "pulse-drawing": "precordia.eval.tasks.pulse.drawing_task:PULSE_DRAWING",
        "questions": "precordia.eval.tasks.questions.task:QUESTIONS",
        "retrieval": "precordia.eval.tasks.retrieval.task:RETRIEVAL",
        "reviews": "precordia.eval.tasks.reviews.task:REVIEWS",
        "urgent": "precordia.eval.tasks.urgent.task:URGENT",
        "lead-reconstruction": "precordia.eval.tasks.leads.drawing_task:LEAD_RECONSTRUCTION",
        "few-leads": "precordia.eval.tasks.leads.searching_task:FEW_LEADS",
        "long-recordings": "precordia.eval.tasks.long_recordings.task:LONG_RECORDINGS",
        "index": "precordia.eval.tasks.index.task:INDEX",
    },
)
