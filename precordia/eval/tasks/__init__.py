"""The tasks there are: name to ``"module:Class"``."""

from __future__ import annotations

from precordia.core.registry import Registry
from precordia.eval.task import Task

TASKS: Registry[Task] = Registry(
    "evaluation task",
    {
        "quality": "precordia.eval.tasks.quality:QUALITY",
        "report-consensus": "precordia.eval.tasks.report_consensus:REPORT_CONSENSUS",
        "reports": "precordia.eval.tasks.reports:REPORTS",
        "report-labels": "precordia.eval.tasks.report_labels:REPORT_LABELS",
        "measurements": "precordia.eval.tasks.measurements:MEASUREMENTS",
        "ecgqa": "precordia.eval.tasks.ecgqa:ECGQA",
        "ecgqa-numeric": "precordia.eval.tasks.ecgqa_numeric:ECGQA_NUMERIC",
        "ecgqa-built": "precordia.eval.tasks.ecgqa_built:ECGQA_BUILT",
        "ecgqa-contexts": "precordia.eval.tasks.ecgqa_contexts:ECGQA_CONTEXTS",
        "ecgqa-fewshot": "precordia.eval.tasks.ecgqa_fewshot:ECGQA_FEWSHOT",
        "own-model": "precordia.eval.tasks.own_model:OWN_MODEL",
        "encoder": "precordia.eval.tasks.encoder:ENCODER",
        "encoder-transfer": "precordia.eval.tasks.encoder_transfer:ENCODER_TRANSFER",
        "encoder-ablation": "precordia.eval.tasks.encoder_ablation:ENCODER_ABLATION",
        "zero-shot": "precordia.eval.tasks.zero_shot:ZERO_SHOT",
        "retrieval": "precordia.eval.tasks.retrieval:RETRIEVAL",
        "urgent": "precordia.eval.tasks.urgent:URGENT",
        "index": "precordia.eval.tasks.index:INDEX",
    },
)
