"""Lets the tests of this folder and of tests/generation share ``precedents.py``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
