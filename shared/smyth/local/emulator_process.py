"""The emulator's own process: MiniStack's web app, with our bridges, on a socket handed over by the parent.

Started as ``python -m smyth.local.emulator_process <data folder> <descriptor>`` by :mod:`smyth.local.emulator`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from smyth.local.children import ChildServer
from smyth.local.folder import DataFolder
from smyth.local.gaps import torn_objects
from smyth.local.state import StateFile


async def serve(folder: DataFolder, listener: socket.socket) -> None:
    """Restore, serve until SIGTERM, save."""
    torn_objects.mend(folder.objects)
    os.environ["LOG_LEVEL"] = "WARNING"
    from ministack import app as ministack  # type: ignore[import-untyped]

    del os.environ["LOG_LEVEL"]  # The functions inherit the environment, and shall log as in Lambda.
    from ministack.core import lambda_runtime  # type: ignore[import-untyped]

    from smyth.local.gaps import cold_starts, function_logs, layers, schedules
    from smyth.local.gaps.snapshots import Snapshots

    state = StateFile(folder.state)
    snapshots = Snapshots(state)
    snapshots.restore()
    snapshots.follow_items()
    function_logs.bridge(folder.logs / "functions")
    layers.bridge(folder.temporary)
    cold_starts.bridge()
    schedules.bridge()

    async def noted(scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
        await ministack.app(scope, receive, send)
        if scope["type"] == "http":
            snapshots.note_request(scope)

    saving = asyncio.create_task(snapshots.run())
    await ChildServer(noted, date_header=False).serve(sockets=[listener])
    saving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await saving
    await snapshots.save(everything=True)
    state.close()
    lambda_runtime.reset()


if __name__ == "__main__":
    asyncio.run(serve(DataFolder(Path(sys.argv[1])), socket.socket(fileno=int(sys.argv[2]))))
