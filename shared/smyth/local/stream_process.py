"""The stream function's own process: its web app on a unix socket handed over by the parent.

Started as ``python -m smyth.local.stream_process <function folder> <descriptor>``.
"""

from __future__ import annotations

import asyncio
import importlib
import socket
import sys

from smyth.local.children import ChildServer


def main(function: str, descriptor: int) -> None:
    """Serve ``app`` of the function's handler until SIGTERM."""
    sys.path.insert(0, function)
    app = importlib.import_module("handler").app
    server = ChildServer(app, timeout_graceful_shutdown=3)
    asyncio.run(server.serve(sockets=[socket.socket(fileno=descriptor)]))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
