"""Streams leave through the front while they are being made."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

from tests.e2e.laptop import EXAMPLES, Dev


def _agent(dev: Dev) -> str:
    with dev.client() as http:
        made = http.post("/api/agents/import", json=json.loads((EXAMPLES / "echo-chat.smyth").read_text()))
        return f"/api/agents/{made.json()['id']}"


def test_events_come_one_by_one_in_their_order_of_life(dev: Dev) -> None:
    message = {"message": "one two three four five"}
    with dev.client() as http, http.stream("POST", f"{_agent(dev)}/stream", json=message) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert "content-length" not in answer.headers
        lines = [line for line in answer.iter_lines() if line.startswith("data:")]
    events = [json.loads(line.removeprefix("data:")) for line in lines]
    kinds = [event["type"] for event in events]
    assert (kinds[0], kinds[-2], kinds[-1]) == ("start", "usage", "end")
    assert set(kinds[1:-2]) == {"content"}


def test_streams_are_counted_and_limited_exactly(dev: Dev) -> None:
    key = dev.tenant("basic", requests_per_month=5)
    with dev.client(key) as http, ThreadPoolExecutor(8) as clients:
        created = http.post("/api/agents/create", json={"name": "Echo", "model": "Echo"})
        path = f"/api/agents/{created.json()['id']}/stream"
        answers = list(clients.map(lambda _: http.post(path, json={"message": "x"}), range(12)))
        assert sorted(answer.status_code for answer in answers) == [200] * 5 + [429] * 7
        assert http.get("/api/usage").json()["requests"]["used"] == 5


def test_a_client_that_goes_away_disturbs_nobody(dev: Dev) -> None:
    path = f"{_agent(dev)}/stream"
    with dev.client() as http:
        for _ in range(5):
            with http.stream("POST", path, json={"message": "word " * 2000}) as answer:
                next(answer.iter_raw())
        assert http.post(path, json={"message": "still here"}).status_code == 200
