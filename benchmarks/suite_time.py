"""Which tests take the processor's time: ``python -m benchmarks.suite_time [PATH ...]`` runs them and names the slowest.

Processor time, of a test's own processes too, is told rather than wall time, so that what else runs on the machine matters
little; a process that was started by one test and ends in another counts there, and one that a fork server started nowhere.
Collecting is a line of its own.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from heapq import nlargest
from operator import itemgetter

import pytest

SLOWEST = 20


def _spent_s() -> float:
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


class Stopwatch:
    """A plugin of pytest that adds up what each test takes, fixtures included."""

    def __init__(self) -> None:
        self.tests: defaultdict[str, float] = defaultdict(float)
        self.collecting_s = 0.0

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.collecting_s = _spent_s()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        start = _spent_s()
        result = yield
        self.tests[item.nodeid] += _spent_s() - start
        return result

    def table(self) -> str:
        """The slowest tests and files, as Markdown."""
        files: defaultdict[str, float] = defaultdict(float)
        for name, seconds in self.tests.items():
            files[name.partition("::")[0]] += seconds
        total_s = sum(self.tests.values())
        lines = [
            f"{len(self.tests)} tests, {total_s:.0f} s of processor time; to collect them, {self.collecting_s:.0f} s."
        ]
        for what, counted in (("test", self.tests), ("file", files)):
            lines += ["", f"| {what} | s |", "|---|---|"]
            lines += [
                f"| `{name}` | {seconds:.1f} |" for name, seconds in nlargest(SLOWEST, counted.items(), itemgetter(1))
            ]
        return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Run the tests that are named, all without a name, in one process; print the table at the end."""
    stopwatch = Stopwatch()
    code = int(pytest.main(["-q", "-p", "no:cacheprovider", *arguments], plugins=[stopwatch]))
    print(stopwatch.table())
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
