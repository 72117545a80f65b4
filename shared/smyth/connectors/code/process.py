"""The child process that runs code, as its parent sees it: ask, wait no longer than allowed, kill."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from smyth.connectors.code.port import SandboxError

_ROOT = Path(__file__).resolve().parents[3]
#: Isolated and without site-packages: the child finds our package, the engine and the standard library.
_START = "import sys; sys.path[:0] = sys.argv[1:]; from smyth.connectors.code.child import main; main()"
_START_SECONDS = 20.0
#: More than the largest answer whose output and log keep to their limits.
_LONGEST_ANSWER = 16_000_000


class ChildFailed(Exception):
    """The child gave no answer that could be used; it is gone."""


class ChildLate(ChildFailed):
    """The child did not answer in time; it is gone."""


class Child:
    """One process with its own process group, which only the engine and this object know of."""

    def __init__(self) -> None:
        """Start the process and wait until it holds itself.

        Raises:
            SandboxError: It does not start.
        """
        self._socket, theirs = socket.socketpair()
        self._ending = threading.Lock()
        with theirs:
            self._process: subprocess.Popen[bytes] = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-I", "-S", "-c", _START, str(_ROOT), _engine_folder()],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=_environment(),
                start_new_session=True,
            )
        try:
            self._receive(time.monotonic() + _START_SECONDS)
        except ChildFailed:
            raise SandboxError("The code sandbox did not start. Try again; if it stays so, look at its log.") from None

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def ask(self, call: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Send a call and return the answer.

        Raises:
            ChildLate: There was none after ``seconds``.
            ChildFailed: The process ended, or what it sent is no answer.
        """
        deadline = time.monotonic() + seconds
        text = json.dumps(call).encode()
        try:
            self._socket.settimeout(seconds)
            self._socket.sendall(len(text).to_bytes(4, "big") + text)
        except TimeoutError:
            self.kill()
            raise ChildLate from None
        except OSError:
            self.kill()
            raise ChildFailed from None
        return self._receive(deadline)

    def _receive(self, deadline: float) -> dict[str, Any]:
        """Read one message, or end the process for not sending one."""
        try:
            size = int.from_bytes(self._read(4, deadline), "big")
            if size > _LONGEST_ANSWER:
                raise ValueError
            message = json.loads(self._read(size, deadline))
            if not isinstance(message, dict):
                raise ValueError
            return message
        except TimeoutError:
            self.kill()
            raise ChildLate from None
        except (OSError, ValueError, RecursionError):
            self.kill()
            raise ChildFailed from None

    def _read(self, size: int, deadline: float) -> bytes:
        parts: list[bytes] = []
        while size:
            self._socket.settimeout(max(deadline - time.monotonic(), 0.001))
            part = self._socket.recv(min(size, 1 << 20))
            if not part:
                raise ConnectionError
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def kill(self) -> None:
        """End the process and whatever it may have started; whoever waits for its answer gets none."""
        with self._ending:
            if self._process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


def _engine_folder() -> str:
    """Find the engine without loading it here: only the child shall."""
    found = importlib.util.find_spec("_quickjs")
    if found is None or found.origin is None:
        raise SandboxError("The package quickjs-ng is not installed. Install it to run code: pip install quickjs-ng.")
    return str(Path(found.origin).parent)


def _environment() -> dict[str, str]:
    """Nothing but where the interpreter may need to find its own library."""
    return {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
