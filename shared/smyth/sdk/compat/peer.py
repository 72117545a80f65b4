"""The small HTTP server that some recorded agents call."""

from __future__ import annotations

import shlex
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

HOST, PORT = "127.0.0.1", 18999
#: Where the recorded agents call it; they are sent to ``HOST`` and ``PORT`` instead.
RECORDED_ADDRESS = "127.0.0.1:18999"
_START_S = 15.0


def is_open() -> bool:
    """Tell whether something answers at the peer's address."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, PORT)) == 0


@contextmanager
def running(command: str | None) -> Iterator[None]:
    """Have the peer running: start ``command`` if nothing answers yet, and end it afterwards.

    Raises:
        RuntimeError: The command ended or did not open the port.
    """
    if command is None or is_open():
        yield
        return
    process = subprocess.Popen(shlex.split(command), stdout=subprocess.DEVNULL)  # noqa: S603 - the user's own command
    try:
        _wait_until_open(process, command)
        yield
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_open(process: subprocess.Popen[bytes], command: str) -> None:
    deadline = time.monotonic() + _START_S
    while not is_open():
        if process.poll() is not None:
            raise RuntimeError(f'The peer "{command}" ended with code {process.returncode}. Check the command.')
        if time.monotonic() > deadline:
            raise RuntimeError(f'The peer "{command}" did not open port {PORT} within {_START_S:g} seconds.')
        time.sleep(0.05)  # another program starts at its own pace and does not tell when it is ready
