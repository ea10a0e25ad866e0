"""Lets the tests of this folder share ``precedents.py``, ``fitted_answers.py`` and ``injections.py``."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "answers"), str(HERE / "written"), str(HERE.parent / "judgement")]
