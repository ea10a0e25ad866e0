"""Lets the tests of this folder share ``precedents.py`` and ``fitted_answers.py``."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent / "answers"), str(Path(__file__).parent.parent / "judgement")]
