"""Data survive a stop, and a kill of everything at once; nothing stays behind."""

from __future__ import annotations

import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.e2e.laptop import EXAMPLES, Dev, processes_left, processes_of, start

_DOCUMENT = json.loads((EXAMPLES / "hash-api.smyth").read_text())
_MD5 = "b10a8db164e0754105b7a99be72e3fe5"


def test_a_stopped_cloud_comes_back_with_everything_and_its_provider_elsewhere(dev: Dev, tmp_path: Path) -> None:
    first = start(tmp_path, like=dev)
    with first.client() as http:
        agent = http.post("/api/agents/import", json=_DOCUMENT).json()["id"]
        turn = http.get(f"/api/agents/{agent}/chat", params={"message": "remember"}).json()
        used = http.get("/api/usage").json()["requests"]["used"]
    assert httpx.get(f"{first.model_server}/v1/models").status_code == 200
    first.stop()
    assert processes_of(tmp_path) == []
    assert not (tmp_path / "dev.json").exists()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{first.model_server}/v1/models")

    with socket.create_server(("127.0.0.1", httpx.URL(first.model_server).port or 0)):
        second = start(tmp_path)
    try:
        assert second.model_server != first.model_server
        assert (second.tenant_id, second.tenant_key) == (first.tenant_id, first.tenant_key)
        assert second.operator_key == first.operator_key
        with second.client() as http:
            assert http.get(f"/api/agents/{agent}/export").json() == _DOCUMENT
            history = {"conversation_id": turn["conversation_id"]}
            said = http.get(f"/api/agents/{agent}/chat", params=history).json()["messages"]
            assert [message["role"] for message in said] == ["user", "assistant"]
            assert http.get("/api/usage").json()["requests"]["used"] == used
            _ask_the_provider(http, agent)
    finally:
        second.stop()
    assert processes_of(tmp_path) == []


def _ask_the_provider(http: httpx.Client, agent: str) -> None:
    """Ask it through a function and through the stream process."""
    sent = {"message": "reply: still here", "model": "scripted"}
    assert http.post(f"/api/agents/{agent}/prompt", json=sent).json()["output"] == "still here"
    streamed = http.post(f"/api/agents/{agent}/stream", json=sent).text
    events = [json.loads(line[5:]) for line in streamed.splitlines() if line.startswith("data:")]
    assert "".join(event["text"] for event in events if event["type"] == "content") == "still here"


def test_after_a_kill_every_agent_older_than_a_second_is_there_and_runs(dev: Dev, tmp_path: Path) -> None:
    cloud = start(tmp_path, like=dev)
    acknowledged = _import_until_killed(cloud)
    assert processes_left(tmp_path) == []
    assert len(acknowledged) >= 20, "too few agents were old enough to tell"

    again = start(tmp_path)
    try:
        with again.client() as http, ThreadPoolExecutor(4) as clients:
            path = "/api/agents/{}/run/hash"
            runs = clients.map(lambda agent: http.post(path.format(agent), json={"text": "Hello World"}), acknowledged)
            assert [(run.status_code, run.json().get("md5")) for run in runs] == [(200, _MD5)] * len(acknowledged)
            exports = clients.map(lambda agent: http.get(f"/api/agents/{agent}/export").json(), acknowledged[:20])
            assert list(exports) == [_DOCUMENT] * 20
    finally:
        again.stop()


def _import_until_killed(cloud: Dev) -> list[str]:
    """Import agents from four clients, kill the cloud amid 200 imports; those acknowledged a second before it."""
    acknowledged: list[tuple[float, str]] = []
    killed = threading.Event()

    def import_agents() -> None:
        with cloud.client() as http:
            while len(acknowledged) < 200 and not killed.is_set():
                try:
                    answer = http.post("/api/agents/import", json=_DOCUMENT)
                except httpx.TransportError:
                    return
                if answer.status_code == 201:
                    acknowledged.append((time.monotonic(), answer.json()["id"]))

    writers = [threading.Thread(target=import_agents) for _ in range(4)]
    for writer in writers:
        writer.start()
    deadline = time.monotonic() + 60
    while len(acknowledged) < 120 and time.monotonic() < deadline:
        writers[0].join(0.1)
    at_kill = time.monotonic()
    cloud.kill()
    killed.set()
    for writer in writers:
        writer.join()
    return [agent for at, agent in acknowledged if at < at_kill - 1]


def test_a_second_cloud_on_the_same_folder_is_refused(dev: Dev) -> None:
    with pytest.raises(pytest.fail.Exception, match="in use by another smyth dev"):
        start(dev.data)
    assert (dev.data / "dev.json").exists()


def test_a_port_that_is_taken_is_told_in_one_line(dev: Dev, tmp_path: Path) -> None:
    port = dev.url.rpartition(":")[2]
    with pytest.raises(pytest.fail.Exception, match=rf"\n.*port {port} on 127.0.0.1 cannot be used .*--port\n$"):
        start(tmp_path, "--port", port)
    assert processes_of(tmp_path) == []
