"""Gap: each worker of MiniStack is a new interpreter that imports everything anew: a second of CPU and 60 MB each.

Runs inside the emulator's process. Workers are forked from a process that has the functions' libraries imported
(:mod:`smyth.local.nursery`): a cold start then takes a few hundred milliseconds, and the memory is shared. They are
still separate processes, one request at a time each. Linux only; elsewhere workers start as upstream starts them.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from types import SimpleNamespace
from typing import Any

from ministack.core import lambda_runtime  # type: ignore[import-untyped]


def bridge() -> None:
    """Let workers be forked from a nursery, where the system can."""
    if sys.platform != "linux":
        return
    nursery = Nursery()

    def popen(arguments: list[str], **options: Any) -> Worker | subprocess.Popen[str]:
        if arguments[0] != sys.executable or not arguments[-1].endswith("_worker.py"):
            return subprocess.Popen(arguments, **options)  # noqa: S603 - what upstream starts
        return nursery.start(arguments[-1], cwd=options["cwd"], env=options["env"])

    members = {**vars(subprocess), "Popen": popen}
    lambda_runtime.subprocess = SimpleNamespace(**members)


class Nursery:
    """The process that workers are forked from."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair()
        self._one_at_a_time = threading.Lock()
        with theirs:
            subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", "smyth.local.nursery", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )

    def start(self, script: str, *, cwd: str, env: dict[str, str]) -> Worker:
        """Start a worker on its script."""
        order = json.dumps({"script": script, "cwd": cwd, "env": env}).encode()
        (stdin, to_worker), (from_worker, stdout), (errors, stderr) = os.pipe(), os.pipe(), os.pipe()
        try:
            with self._one_at_a_time:
                socket.send_fds(self._control, [len(order).to_bytes(4, "big")], [stdin, stdout, stderr])
                self._control.sendall(order)
                pid = int.from_bytes(self._control.recv(4, socket.MSG_WAITALL), "big")
            return Worker(pid, to_worker, from_worker, errors)
        finally:
            for descriptor in (stdin, stdout, stderr):
                os.close(descriptor)


class Worker:
    """A forked worker, with what MiniStack uses of ``subprocess.Popen``."""

    def __init__(self, pid: int, stdin: int, stdout: int, stderr: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdin = open(stdin, "w", encoding="utf-8", buffering=1)  # noqa: SIM115
        self.stdout = open(stdout, encoding="utf-8")  # noqa: SIM115
        self.stderr = open(stderr, encoding="utf-8")  # noqa: SIM115
        # The worker waits for its first line, so it is still there and its number is still its own.
        self._handle = os.pidfd_open(pid)
        self._ended = select.poll()
        self._ended.register(self._handle, select.POLLIN)

    def poll(self) -> int | None:
        """The exit code once it ended; the nursery's children leave none, so it is always 1."""
        if self.returncode is None and self._ended.poll(0):
            self.returncode = 1
            os.close(self._handle)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end.

        Raises:
            subprocess.TimeoutExpired: It did not end in time.
        """
        if self.returncode is None and not self._ended.poll(None if timeout is None else timeout * 1000):
            raise subprocess.TimeoutExpired("worker", timeout or 0)
        return self.poll() or 1

    def terminate(self) -> None:
        """Ask it to end."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """Make it end."""
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self.poll() is None:
            signal.pidfd_send_signal(self._handle, number)
