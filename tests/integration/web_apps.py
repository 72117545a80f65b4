"""Web apps on a real socket, as behind the laptop's front."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from fastapi import FastAPI

from smyth.http.caller import CONTEXT_HEADER
from smyth.http.settings import settings
from tests.integration.events import Context


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """Serve ``app`` and yield its address."""
    with pytest.MonkeyPatch.context() as patch, socket.socket() as listener:
        patch.setenv("SMYTH_TRUST_REQUEST_CONTEXT", "1")
        settings.cache_clear()
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()
    settings.cache_clear()


def let_in(caller: Context) -> dict[str, str]:
    """The headers of a request that the front let through as ``caller``."""
    return {CONTEXT_HEADER: json.dumps({"authorizer": caller})}
