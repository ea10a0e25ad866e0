"""Twelve leads from one or a few: drawn ones to look at, and the vectors of few leads brought to those of all.

Drawn leads are marked (``Recording.inferred_leads``): nothing is measured on them, and nothing is judged by them.
"""

from __future__ import annotations
