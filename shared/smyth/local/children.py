"""Child processes of the laptop cloud: same process group, own log file, never outliving their parent.

A child's stdin is a pipe that only the parent holds. When the parent is gone, however it went, the pipe ends and
the child ends itself. What a kill of the whole group left half way is found by its environment at the next start.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from smyth.local.folder import DataFolder

#: Names the data folder in the environment of every child and of the children's children.
MARK = "SMYTH_LAPTOP_CLOUD"
_STOP_SECONDS = 8.0


@dataclass(slots=True)
class Child:
    """A running child process."""

    name: str
    process: asyncio.subprocess.Process
    log: Path

    async def stop(self) -> None:
        """Ask the child to end, insist after a while."""
        if self.process.returncode is not None:
            return
        self.process.terminate()
        try:
            await asyncio.wait_for(self.process.wait(), _STOP_SECONDS)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


def child_environment(**further: str) -> dict[str, str]:
    """This process's environment without what must not get into a child.

    That is the user's AWS account, settings of another function, and the wish to keep no compiled code: every
    function is a process of its own, and each would compile all of its imports.
    """
    left_out = ("AWS_", "SMYTH_", "LAMBDA_", "PYTHONDONTWRITEBYTECODE")
    return {name: value for name, value in os.environ.items() if not name.startswith(left_out)} | further


async def start_child(
    name: str, arguments: list[str], *, folder: DataFolder, listener: socket.socket, environment: dict[str, str]
) -> Child:
    """Start ``python arguments... <descriptor>`` with a listening socket handed over.

    The socket listens before the child runs, so callers connect at once and simply wait for the first answer.
    """
    log = folder.logs / f"{name}.log"
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            str(listener.fileno()),
            stdin=asyncio.subprocess.PIPE,
            stdout=output,
            stderr=output,
            env={**environment, MARK: str(folder.root)},
            pass_fds=[listener.fileno()],
        )
    listener.close()
    return Child(name, process, log)


class ChildServer(uvicorn.Server):
    """A web server inside a child process.

    Idle connections are kept longer than any client of ours keeps them: else one could be closed just as it is used.
    It ends on SIGTERM alone: Ctrl-C reaches the whole process group, and the parent stops its children in order.
    """

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(
            uvicorn.Config(app, log_level="warning", server_header=False, ws="none", timeout_keep_alive=75, **options)
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Listen for SIGTERM and for the end of the parent."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, self.handle_exit)
        threading.Thread(target=_end_with_parent, daemon=True).start()
        yield


def _end_with_parent() -> None:
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def end_leftovers(folder: DataFolder) -> int:
    """End what a killed run left behind in this folder; call it only while holding the folder's lock.

    Works where ``/proc`` is; elsewhere leftovers end by themselves when their pipe does.

    Returns:
        How many processes were ended.
    """
    mark = f"{MARK}={folder.root}".encode()
    leftovers = [pid for pid in _own_processes() if mark in _environment(pid)]
    for pid in leftovers:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + _STOP_SECONDS
    while any(_environment(pid) for pid in leftovers) and time.monotonic() < deadline:
        time.sleep(0.02)
    return len(leftovers)


def _own_processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if int(entry.name) != os.getpid()]


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []
