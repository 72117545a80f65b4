"""Workers that are forked from the nursery are processes like any other."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the nursery needs pidfds")

#: Answers each line with what it sees of its surroundings.
_SCRIPT = """
import json, os, sys
for line in sys.stdin:
    sys.stderr.write("working on " + line)
    seen = {"line": line.strip(), "cwd": os.getcwd(), "env": dict(os.environ), "argv": sys.argv, "name": __name__}
    print(json.dumps(seen | {"loaded": "fastapi" in sys.modules, "pid": os.getpid()}), flush=True)
"""


@pytest.fixture(scope="module")
def nursery() -> Iterator[object]:
    from smyth.local.gaps.cold_starts import Nursery

    nursery = Nursery()
    yield nursery
    nursery._control.close()


def _script(folder: Path, text: str) -> str:
    path = folder / "_worker.py"
    path.write_text(text)
    return str(path)


def test_a_worker_sees_only_its_own_surroundings(nursery: object, tmp_path: Path) -> None:
    script = _script(tmp_path, _SCRIPT)
    worker = nursery.start(script, cwd=str(tmp_path), env={"MINE": "ä", "PATH": "/bin"})  # type: ignore[attr-defined]
    worker.stdin.write("first\n")
    seen = json.loads(worker.stdout.readline())
    assert (seen["line"], seen["cwd"], seen["env"]) == ("first", str(tmp_path), {"MINE": "ä", "PATH": "/bin"})
    assert (seen["argv"], seen["name"], seen["pid"]) == ([script], "__main__", worker.pid)
    assert seen["loaded"]
    assert worker.stderr.readline() == "working on first\n"
    assert worker.poll() is None
    worker.stdin.close()
    assert worker.wait(10) == worker.poll() == 1


def test_many_workers_do_not_share_anything(nursery: object, tmp_path: Path) -> None:
    script = _script(tmp_path, _SCRIPT)
    workers = [nursery.start(script, cwd="/", env={"N": str(n)}) for n in range(8)]  # type: ignore[attr-defined]
    for worker in workers:
        worker.stdin.write("x\n")
    assert [json.loads(worker.stdout.readline())["env"] for worker in workers] == [{"N": str(n)} for n in range(8)]
    workers[0].stdin.close()
    workers[0].wait(10)
    assert [worker.poll() for worker in workers[1:]] == [None] * 7
    for worker in workers[1:]:
        worker.terminate()
        worker.wait(10)


def test_a_worker_that_fails_tells_why_and_the_nursery_lives_on(nursery: object, tmp_path: Path) -> None:
    script = _script(tmp_path, "raise RuntimeError('boom')")
    worker = nursery.start(script, cwd="/", env={})  # type: ignore[attr-defined]
    assert "RuntimeError: boom" in worker.stderr.read()
    worker.wait(10)
    again = nursery.start(_script(tmp_path, "print('fine')"), cwd="/", env={})  # type: ignore[attr-defined]
    assert again.stdout.read() == "fine\n"
    again.wait(10)


def test_a_worker_that_hangs_can_be_killed(nursery: object, tmp_path: Path) -> None:
    stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(600)"
    script = _script(tmp_path, stubborn)
    worker = nursery.start(script, cwd="/", env={})  # type: ignore[attr-defined]
    worker.stdout.readline()
    worker.terminate()
    with pytest.raises(subprocess.TimeoutExpired):
        worker.wait(0.05)
    worker.kill()
    assert worker.wait(10) == 1
    worker.terminate()  # of one that is gone is no error
