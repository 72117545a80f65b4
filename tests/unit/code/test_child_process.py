"""The process around the engine: held from the start, replaced when it fails, gone with whoever started it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from smyth.connectors.code import process
from smyth.connectors.code.port import CodeLimits, CodeResult, SandboxError
from smyth.connectors.code.process import Child, ChildFailed
from smyth.connectors.code.quickjs import QuickJsSandbox

ROOT = Path(__file__).resolve().parents[3]
FINE = "async function main() { return 'fine'; }"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def gone(pid: int) -> bool:
    """Whether the process ended; one that nobody has waited for yet counts as ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def until(true: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.01)
    return False


def idle_child(sandbox: QuickJsSandbox) -> Child:
    [child] = sandbox._idle
    return child


async def test_the_child_is_held_before_the_first_call(
    sandbox: QuickJsSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_HOST", "x")
    assert (await sandbox.run(FINE, {})).output == "fine"
    proc = Path(f"/proc/{idle_child(sandbox).pid}")
    assert b"SECRET" not in (proc / "environ").read_bytes()
    assert (proc / "cwd").readlink().name.endswith(" (deleted)")
    assert "NoNewPrivs:\t1" in (proc / "status").read_text()
    assert len(list((proc / "fd").iterdir())) == 3
    limits = {line[:26].strip(): line[26:].split()[:2] for line in (proc / "limits").read_text().splitlines()}
    assert limits["Max open files"] == ["3", "3"]
    assert limits["Max processes"] == ["0", "0"]
    assert limits["Max file size"] == ["0", "0"]
    assert limits["Max core file size"] == ["0", "0"]
    assert int(limits["Max address space"][1]) <= 400 * 1024 * 1024
    assert int(limits["Max cpu time"][0]) <= 6
    assert os.getpgid(int(proc.name)) == int(proc.name)


async def test_the_same_child_serves_call_after_call(sandbox: QuickJsSandbox) -> None:
    pids = set()
    for _ in range(5):
        assert (await sandbox.run(FINE, {})).output == "fine"
        pids.add(idle_child(sandbox).pid)
    assert len(pids) == 1


async def test_a_child_that_broke_a_limit_is_replaced(sandbox: QuickJsSandbox) -> None:
    await sandbox.run(FINE, {})
    first = idle_child(sandbox).pid
    busy = "async function main() { while (true); }"
    assert "CPU time" in (await sandbox.run(busy, {}, limits=CodeLimits(cpu_s=0.1))).error
    assert gone(first)
    assert (await sandbox.run(FINE, {})).output == "fine"


async def test_a_child_that_does_not_answer_is_killed_at_the_wall_clock_limit(sandbox: QuickJsSandbox) -> None:
    await sandbox.run(FINE, {})
    child = idle_child(sandbox)
    os.kill(child.pid, signal.SIGSTOP)
    started = time.monotonic()
    result = await sandbox.run(FINE, {}, limits=CodeLimits(wall_s=0.2))
    assert "did not end within 0.2 s" in result.error
    assert time.monotonic() - started < 30
    assert gone(child.pid)
    assert (await sandbox.run(FINE, {})).output == "fine"


async def test_a_child_that_died_costs_one_call(sandbox: QuickJsSandbox) -> None:
    await sandbox.run(FINE, {})
    os.kill(idle_child(sandbox).pid, signal.SIGKILL)
    assert "broke its sandbox" in (await sandbox.run(FINE, {})).error
    assert (await sandbox.run(FINE, {})).output == "fine"


@pytest.mark.parametrize(
    "said",
    [
        b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x05nope!",
        b"\x00\x00\x00\x02[]",
        b"\x00\x00",
        (60_000).to_bytes(4, "big") + b"[" * 60_000,
    ],
    ids=["too long", "no JSON", "no object", "cut off", "too deep"],
)
def test_nonsense_from_a_child_is_its_end(said: bytes) -> None:
    child = Child()
    ours, theirs = socket.socketpair()
    child._socket.close()
    child._socket = ours
    with theirs:
        theirs.sendall(said)
        theirs.shutdown(socket.SHUT_WR)
        with pytest.raises(ChildFailed):
            child.ask({}, 5)
    assert gone(child.pid)


@pytest.mark.parametrize("output", ["not JSON", "[" * 100_000, "1" * 5000])
def test_an_output_that_is_no_data_is_an_error(output: str) -> None:
    assert CodeResult.from_answer({"output": output}).error


async def test_cancelling_a_run_ends_its_code_at_once() -> None:
    sandbox = QuickJsSandbox(CodeLimits(cpu_s=15, wall_s=20), at_once=1)
    await sandbox.run(FINE, {})
    child = idle_child(sandbox)
    run = asyncio.create_task(sandbox.run("async function main() { while (true); }", {}))
    before = await asyncio.to_thread(_cpu_ticks, child.pid)
    assert await asyncio.to_thread(until, lambda: _cpu_ticks(child.pid) > before)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert gone(child.pid)
    assert (await sandbox.run(FINE, {})).output == "fine"
    sandbox.close()


async def test_a_call_cancelled_while_it_waits_is_never_made(sandbox: QuickJsSandbox) -> None:
    first = asyncio.create_task(
        sandbox.run("async function main() { await new Promise((done) => setTimeout(done, 200)); return 1; }", {})
    )
    waiting = asyncio.create_task(sandbox.run("async function main() { while (true); }", {}))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert (await first).output == 1
    assert (await sandbox.run(FINE, {})).output == "fine"


async def test_calls_run_at_once() -> None:
    sandbox = QuickJsSandbox(at_once=3)
    try:
        await asyncio.gather(*(sandbox.run(FINE, {}) for _ in range(3)))
        slow = "async function main() { await new Promise((done) => setTimeout(done, 500)); return Date.now(); }"
        ends = [result.output for result in await asyncio.gather(*(sandbox.run(slow, {}) for _ in range(3)))]
        assert max(ends) - min(ends) < 450
    finally:
        sandbox.close()


def test_the_child_ends_with_its_parent() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'shared')!r}); import asyncio, os, signal\n"
        "from smyth.connectors.code.quickjs import QuickJsSandbox\n"
        "sandbox = QuickJsSandbox()\n"
        f"asyncio.run(sandbox.run({FINE!r}, {{}}))\n"
        "print(sandbox._idle[0].pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    parent = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert parent.returncode == -signal.SIGKILL, parent.stderr
    assert until(lambda: gone(int(parent.stdout)))


def test_a_missing_engine_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SandboxError, match="pip install quickjs-ng"):
        Child()


def test_an_interpreter_that_does_not_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process.sys, "executable", "/bin/false")
    with pytest.raises(SandboxError, match="did not start"):
        Child()


def _cpu_ticks(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11])
