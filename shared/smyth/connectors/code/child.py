"""The process in which the engine lives: takes calls on its standard input, a socket, one after the other.

A message is four bytes of length, then JSON. The process holds itself before it takes the first call: no further
files, processes or rights, no environment, nowhere to write. It ends when its parent closes the socket.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from smyth.connectors.code.execution import CodeError, Execution

#: Over what the engine's own limit lets it take, so that normally that one speaks.
_ADDRESS_SPACE = 400 * 1024 * 1024
_PR_SET_NO_NEW_PRIVS = 38


def main() -> None:
    """Hold this process, say so, and answer calls until the parent is gone."""
    _hold()
    with socket.socket(fileno=0) as parent:
        _send(parent, {"ready": True})
        spent = False
        while not spent:
            # Made ready while nobody waits for it.
            execution = Execution()
            if (call := _receive(parent)) is None:
                return
            _limit_call(call["limits"])
            answer = _answer(execution, call)
            signal.setitimer(signal.ITIMER_REAL, 0)
            _send(parent, answer)
            spent = execution.spent


def _answer(execution: Execution, call: dict[str, Any]) -> dict[str, Any]:
    output = error = ""
    try:
        inputs = json.loads(call["inputs"])
        output = execution.run(call["source"], inputs, limits=call["limits"], environment=call["environment"])
    except CodeError as failed:
        error = str(failed)
    return {"output": output, "error": error, "logs": execution.logs(), "spent": execution.spent}


def _hold() -> None:
    os.environ.clear()
    folder = Path(tempfile.mkdtemp())
    os.chdir(folder)
    folder.rmdir()
    if sys.platform == "linux":
        # Not even a set-uid program could win rights back.
        ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
    for kind, most in (
        (resource.RLIMIT_NOFILE, 3),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))


def _limit_call(limits: dict[str, Any]) -> None:
    """Let the kernel end this process should neither the engine nor the parent do so."""
    seconds = int(time.process_time() + limits["cpu_s"]) + 2
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, hard))
    signal.setitimer(signal.ITIMER_REAL, limits["wall_s"] + 1)


def _receive(parent: socket.socket) -> Any:
    head = parent.recv(4, socket.MSG_WAITALL)
    if len(head) < 4:
        return None
    return json.loads(parent.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL))


def _send(parent: socket.socket, message: dict[str, Any]) -> None:
    text = json.dumps(message).encode()
    with contextlib.suppress(BrokenPipeError):
        parent.sendall(len(text).to_bytes(4, "big") + text)


if __name__ == "__main__":
    main()
