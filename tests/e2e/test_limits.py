"""Limits under load: the exact admission, and API Gateway's usage plan before it."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from smyth.aws.clients import client
from tests.e2e.laptop import EXAMPLES, Dev


def _hash_agent(http: httpx.Client) -> str:
    made = http.post("/api/agents/import", json=json.loads((EXAMPLES / "hash-api.smyth").read_text()))
    assert made.status_code == 201, made.text
    return f"/api/agents/{made.json()['id']}/run/hash"


def test_of_300_calls_at_once_exactly_the_100_that_are_left_get_in(dev: Dev) -> None:
    key = dev.tenant("basic", requests_per_month=100)
    with dev.client(key) as http, ThreadPoolExecutor(32) as clients:
        path = _hash_agent(http)
        answers = list(clients.map(lambda number: http.post(path, json={"text": str(number)}), range(300)))
        assert Counter(answer.status_code for answer in answers) == {200: 100, 429: 200}
        left = [int(a.headers["x-usage-requests-remaining"]) for a in answers if a.status_code == 200]
        assert (min(left), max(left) < 100) == (0, True)
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert refused.headers["content-type"] == "application/problem+json"
        assert int(refused.headers["retry-after"]) > 0
        requests = http.get("/api/usage").json()["requests"]
    assert requests == {"limit": 100, "used": 100, "remaining": 0}
    assert _ledger_entries(dev, key) == Counter(settled=100)


def _ledger_entries(dev: Dev, key: str) -> Counter[str]:
    """The ledger of the key's tenant, straight from the table, by status."""
    table = client("dynamodb", dev.emulator_url)
    pages = table.get_paginator("scan").paginate(TableName="smyth-laptop")
    items = [item for page in pages for item in page["Items"]]
    tenant = _tenant_of(items, key)
    entries = [item for item in items if item["pk"]["S"].startswith(f"T#{tenant}#L#")]
    return Counter(entry["status"]["S"] for entry in entries)


def _tenant_of(items: list[dict[str, dict[str, str]]], key: str) -> str:
    import hashlib

    digest = hashlib.sha256(key.encode()).hexdigest()
    [found] = [item for item in items if item["pk"]["S"] == f"KEY#{digest}"]
    return found["tenant_id"]["S"]


def test_32_clients_are_answered_in_seconds_by_a_cold_function(dev: Dev) -> None:
    with dev.client() as http, ThreadPoolExecutor(32) as clients:
        started = time.monotonic()
        answers = list(clients.map(lambda _: http.get("/api/connectors"), range(32)))
        seconds = time.monotonic() - started
    assert {answer.status_code for answer in answers} == {200}
    assert seconds < 60


@contextmanager
def _usage_plan(dev: Dev, plan: str, changes: dict[str, str]) -> Iterator[None]:
    """Change an API Gateway usage plan of the stack, and change it back."""
    gateway = client("apigateway", dev.emulator_url)
    [found] = [item for item in gateway.get_usage_plans()["items"] if item["name"] == f"smyth-laptop-{plan}"]

    def put(values: dict[str, str]) -> None:
        operations = [{"op": "replace", "path": path, "value": value} for path, value in values.items()]
        gateway.update_usage_plan(usagePlanId=found["id"], patchOperations=operations)

    put(changes)
    try:
        yield
    finally:
        put({"/throttle/rateLimit": "100000", "/throttle/burstLimit": "100000", "/quota/limit": "1000000"})


@pytest.mark.parametrize(
    ("changes", "let_through", "says"),
    [
        ({"/throttle/rateLimit": "0.01", "/throttle/burstLimit": "2"}, 2, "Too many requests at once"),
        ({"/quota/limit": "3", "/quota/period": "MONTH"}, 3, "used up"),
    ],
)
def test_a_tight_usage_plan_bites(dev: Dev, changes: dict[str, str], let_through: int, says: str) -> None:
    key = dev.tenant("payg")
    with dev.client(key) as http, _usage_plan(dev, "payg", changes):
        path = _hash_agent(http)
        answers = [http.post(path, json={"text": "x"}) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [200] * let_through + [429] * (6 - let_through)
        assert says in answers[-1].json()["detail"]
        assert http.get("/api/agents").status_code == 200
        assert http.get("/api/usage").json()["requests"]["used"] == let_through
