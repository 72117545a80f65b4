"""Children never outlive the one that started them, however it went."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from smyth.local.children import MARK, child_environment, end_leftovers, start_child
from smyth.local.folder import DataFolder

#: A child as the cloud's own: it serves on the socket handed over, until SIGTERM or its parent's end.
_CHILD = """
import asyncio, socket, sys
from smyth.local.children import ChildServer
async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"here"})
asyncio.run(ChildServer(app, lifespan="off").serve(sockets=[socket.socket(fileno=int(sys.argv[1]))]))
"""
#: Starts such a child and waits; tells the child's process id and port.
_PARENT = """
import asyncio, socket, sys
from pathlib import Path
from smyth.local.children import child_environment, start_child
from smyth.local.folder import DataFolder
async def main():
    folder = DataFolder(Path(sys.argv[1])); folder.create()
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    child = await start_child("child", ["-c", sys.argv[2]], folder=folder, listener=listener,
                              environment=child_environment())
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\\r\\nhost: x\\r\\nconnection: close\\r\\n\\r\\n")
    await _.read()
    print(child.process.pid, flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


def _listener() -> tuple[socket.socket, int]:
    listener = socket.create_server(("127.0.0.1", 0))
    return listener, listener.getsockname()[1]


async def _get(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    return answer


async def test_a_child_takes_requests_before_it_is_up_and_stops_when_told(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.create()
    listener, port = _listener()
    child = await start_child(
        "child", ["-c", _CHILD], folder=folder, listener=listener, environment=child_environment()
    )
    assert b"here" in await _get(port)
    assert os.getpgid(child.process.pid) == os.getpgid(0)
    child.process.send_signal(signal.SIGINT)
    assert b"here" in await _get(port)
    await child.stop()
    assert child.process.returncode == 0


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", _PARENT, str(tmp_path), _CHILD], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = os.pidfd_open(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    ended = select.poll()
    ended.register(child, select.POLLIN)
    assert ended.poll(10_000), "the child is still there"
    os.close(child)


def test_what_a_killed_run_left_is_ended_and_nothing_else(tmp_path: Path) -> None:
    mine, other = DataFolder(tmp_path / "mine"), DataFolder(tmp_path / "mine2")
    sleep = [sys.executable, "-c", "import time; print(flush=True); time.sleep(600)"]
    processes = [
        subprocess.Popen(sleep, env={**os.environ, MARK: str(folder.root)}, stdout=subprocess.PIPE)
        for folder in (mine, other)
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            process.stdout.readline()
        assert end_leftovers(mine) == 1
        assert processes[0].wait(5) == -signal.SIGKILL
        assert processes[1].poll() is None
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_the_users_aws_account_stays_out_of_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    assert "AWS_PROFILE" not in child_environment()
    assert child_environment(AWS_REGION="us-east-1")["AWS_REGION"] == "us-east-1"
