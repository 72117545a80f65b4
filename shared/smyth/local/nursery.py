"""The nursery's own process: has the functions' libraries imported, and forks a worker whenever it is asked for one.

Started as ``python -m smyth.local.nursery <descriptor>`` by :mod:`smyth.local.gaps.cold_starts`. An order is four bytes
of length, sent along with the worker's stdin, stdout and stderr, then JSON; the answer is the worker's process id.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import signal
import socket
import sys
import traceback
from typing import Any

#: What most functions import. Neither litellm, which few need, nor numpy, which starts threads and must not be forked.
_LIBRARIES = ("aws_lambda_powertools", "boto3", "fastapi", "httpx", "mangum", "pydantic", "python_multipart", "ulid")


def main(control: socket.socket) -> None:
    """Fork a worker per order until the other side is gone."""
    for name in _LIBRARIES:
        importlib.import_module(name)
    # The garbage collector would write to every object, and so copy the memory that workers could share.
    gc.freeze()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        order, descriptors = _receive(control)
        if order is None:
            return
        pid = os.fork()
        if pid == 0:
            control.close()
            _become_worker(order, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        control.sendall(pid.to_bytes(4, "big"))


def _receive(control: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
    head, descriptors, _, _ = socket.recv_fds(control, 4, 3)
    if not head:
        return None, []
    text = control.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL)
    return json.loads(text), descriptors


def _become_worker(order: dict[str, Any], descriptors: list[int]) -> None:
    """Run the worker's script as a fresh interpreter would; never returns."""
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for target, descriptor in enumerate(descriptors):
            os.dup2(descriptor, target)
            os.close(descriptor)
        sys.stdin = open(0, encoding="utf-8")  # noqa: SIM115
        sys.stdout = open(1, "w", encoding="utf-8")  # noqa: SIM115
        sys.stderr = open(2, "w", encoding="utf-8", buffering=1)  # noqa: SIM115
        os.chdir(order["cwd"])
        os.environ.clear()
        os.environ.update(order["env"])
        further = order["env"].get("PYTHONPATH", "").split(os.pathsep)
        sys.path[:] = [path for path in (*further, *sys.path) if path]
        sys.argv = [order["script"]]
        runpy.run_path(order["script"], run_name="__main__")
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        # Leaving in the usual way would unwind into the nursery's own loop.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
