"""What follows once a request was answered: the table's stream brings it to the ledger's files and raises alerts."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from typing import Any

from smyth.aws.clients import client
from smyth.connectors.notifications.signatures import HEADER, verify
from tests.e2e.laptop import EXAMPLES, Dev
from tests.integration.table_stream import receiver

_PATIENCE_S = 60
_REQUESTS = 2


def test_requests_reach_the_ledgers_files_and_a_quota_that_is_half_used_its_webhook(dev: Dev) -> None:
    key = dev.tenant("basic", requests_per_month=2 * _REQUESTS)
    with receiver() as hook, dev.client(key) as http:
        secret = http.put("/api/alerts", json={"levels": [50], "webhook_url": hook.url}).json()["webhook_secret"]
        made = http.post("/api/agents/import", json=json.loads((EXAMPLES / "hash-api.smyth").read_text()))
        agent_id = made.json()["id"]
        for number in range(_REQUESTS):
            answer = http.post(f"/api/agents/{agent_id}/run/hash", json={"text": str(number)})
            assert answer.status_code == 200, answer.text

        rows = _when_there(lambda: _rows(dev, agent_id), _REQUESTS)
        [(headers, body)] = _when_there(lambda: hook.messages, 1)
    assert {row["status"] for row in rows} == {"settled"}
    assert {row["route"] for row in rows} == {"POST /api/agents/{agent_id}/run/{endpoint}"}
    assert verify(secret, body, headers[HEADER], now=int(time.time()))
    told = json.loads(body)
    assert (told["kind"], told["level"], told["used"], told["limit"]) == ("quota", 50, _REQUESTS, 2 * _REQUESTS)


def _rows(dev: Dev, agent_id: str) -> list[dict[str, Any]]:
    """An agent's entries in the ledger's files."""
    bucket = client("s3", dev.emulator_url)
    names = [name for one in bucket.list_buckets()["Buckets"] if (name := one["Name"]).startswith("smyth-laptop-")]
    rows = []
    for name in names:
        for found in bucket.list_objects_v2(Bucket=name, Prefix="ledger/").get("Contents", []):
            content = gzip.decompress(bucket.get_object(Bucket=name, Key=found["Key"])["Body"].read())
            rows += [json.loads(line) for line in content.splitlines()]
    return [row for row in rows if row["agent_id"] == agent_id]


def _when_there(look: Callable[[], list[Any]], count: int) -> list[Any]:
    """Return what is there as soon as it is as much as expected."""
    deadline = time.monotonic() + _PATIENCE_S
    while len(found := look()) < count and time.monotonic() < deadline:
        time.sleep(0.1)
    assert len(found) == count
    return found
