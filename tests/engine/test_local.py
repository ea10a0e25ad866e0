from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from precordia.core.errors import PrecordiaError, UsageError
from precordia.engine.local import LocalExecutor
from precordia.testing import executors as contract
from precordia.testing.executors import ExecutorContract


class TestLocalExecutor(ExecutorContract):
    def make(self, workers: int) -> LocalExecutor:
        return LocalExecutor(workers)


def test_each_worker_is_initialised_once_however_many_shards_it_runs() -> None:
    seen = list(LocalExecutor(2, initialize=contract.load).map(contract.pid_and_loads, range(8)))
    assert {count for _, count in seen} == {1}
    assert os.getpid() not in {pid for pid, _ in seen}
    assert contract.LOADED == []


def test_one_worker_runs_in_this_process() -> None:
    assert next(LocalExecutor(1).map(contract.pid_and_loads, [0]))[0] == os.getpid()


def test_workers_have_one_numeric_thread_and_the_parent_keeps_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "6")
    assert list(LocalExecutor(2).map(contract.threads_allowed, [0, 1])) == ["1", "1"]
    assert os.environ["OMP_NUM_THREADS"] == "6"


def test_a_killed_worker_is_told_from_one_that_ended() -> None:
    with pytest.raises(PrecordiaError, match="shard 5 was killed by signal 9"):
        list(LocalExecutor(2).map(contract.kill_itself, [5]))


def test_what_cannot_be_pickled_is_said_before_any_process_starts() -> None:
    with pytest.raises(UsageError, match="not a lambda"):
        list(LocalExecutor(2).map(lambda n: n, [1]))


def test_a_result_that_cannot_be_pickled_is_an_error() -> None:
    with pytest.raises(UsageError, match="a result cannot be sent"):
        list(LocalExecutor(2).map(contract.closure_over, [1]))


@pytest.mark.parametrize("bad", [{"workers": 0}, {"workers": 2, "look_ahead": 0}])
def test_impossible_settings_are_refused(bad: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        LocalExecutor(**bad)


def test_an_early_close_leaves_no_process() -> None:
    results = LocalExecutor(2).map(contract.pid_and_loads, range(50))
    pid, _ = next(results)
    results.close()  # type: ignore[attr-defined]
    assert not _alive(pid)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_their_parent(tmp_path: Path, ending: signal.Signals) -> None:
    (tmp_path / "shards.py").write_text(
        textwrap.dedent("""
        import os, time
        def work(n):
            open(f"pid{os.getpid()}", "w").close()
            time.sleep(0.2)
            return n
        """)
    )
    (tmp_path / "parent.py").write_text(
        textwrap.dedent("""
        import itertools
        from precordia.engine.local import LocalExecutor
        from shards import work
        if __name__ == "__main__":
            for _ in LocalExecutor(2).map(work, itertools.count()):
                pass
        """)
    )
    environment = os.environ | {"PYTHONPATH": f"{Path(__file__).parents[2]}{os.pathsep}{tmp_path}"}
    parent = subprocess.Popen(
        [sys.executable, "parent.py"], cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True,
        # What runs in the background may have been started deaf to it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("pid*"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    pids = [int(path.name[3:]) for path in tmp_path.glob("pid*")]
    parent.send_signal(ending)
    _, stderr = parent.communicate(timeout=60)
    if ending is signal.SIGINT:
        assert stderr.rstrip().endswith("KeyboardInterrupt")
    while any(_alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(pids) == 2
    assert not any(_alive(pid) for pid in pids)


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_shards_are_named_by_their_name() -> None:
    class Shard:
        name = "shard 0007"

    def fail(_: Shard) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no") as caught:
        list(LocalExecutor(1).map(fail, [Shard()]))
    assert caught.value.__notes__ == ["in shard shard 0007"]


def test_torch_has_one_thread_beside_workers_and_its_own_number_after() -> None:
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        results = LocalExecutor(workers=2).map(abs, [-1, -2])
        next(results)
        assert torch.get_num_threads() == 1
        assert list(results) == [2]
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("function", ["math.sqrt", "own"])
def test_a_script_without_a_guard_is_run_once(tmp_path: Path, function: str) -> None:
    guard = "" if function == "math.sqrt" else "if __name__ == '__main__':\n    "
    script = tmp_path / "script.py"
    script.write_text(
        "import math\nfrom precordia.engine.local import LocalExecutor\n"
        "def own(x):\n    return math.sqrt(x)\n"
        f"{guard}print(list(LocalExecutor(workers=2).map({function}, [1, 4, 9])))\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[1.0, 2.0, 3.0]\n", "")
