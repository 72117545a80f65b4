"""A signed webhook really starts its agent on the laptop: over HTTP, the queue and the worker, once, billed."""

from __future__ import annotations

import base64
import hmac
import json
import time
from hashlib import sha256
from typing import Any

import httpx

from tests.e2e.laptop import EXAMPLES, Dev

_PATIENCE_S = 60


def test_a_webhook_that_is_sent_twice_runs_its_agent_once(dev: Dev) -> None:
    body = b'{"name": "order 17"}'
    with dev.client(dev.tenant("basic")) as http, httpx.Client(base_url=dev.url, trust_env=False) as sender:
        agent_id = http.post("/api/agents/import", json=json.loads((EXAMPLES / "hash-api.smyth").read_text())).json()[
            "id"
        ]
        wanted = {
            "name": "orders",
            "agent_id": agent_id,
            "rule": {"kind": "webhook", "scheme": "standard"},
            "target": {"skill": "hash", "input": {"text": "{{name}}"}},
        }
        trigger_id = http.post("/api/triggers", json=wanted).json()["id"]
        secret = http.post(f"/api/triggers/{trigger_id}/secret", json={}).json()["secret"]
        headers = _signed(secret, body)
        taken = [sender.post(f"/hooks/{trigger_id}", content=body, headers=headers) for _ in range(2)]
        assert [answer.status_code for answer in taken] == [202, 202], taken[0].text
        assert sender.post(f"/hooks/{trigger_id}", content=body + b" ", headers=headers).status_code == 400

        run = _done(http, trigger_id)
        runs = http.get(f"/api/triggers/{trigger_id}/runs").json()["items"]
        used = http.get("/api/usage").json()
    assert run["state"] == "done", run
    assert [one["delivery_id"] for one in runs] == ["msg_17"]
    assert used["requests"]["used"] == 1, used


def _signed(secret: str, body: bytes) -> dict[str, str]:
    """Sign as Standard Webhooks says."""
    now = str(int(time.time()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    made = hmac.new(key, f"msg_17.{now}.".encode() + body, sha256).digest()
    return {
        "webhook-id": "msg_17",
        "webhook-timestamp": now,
        "webhook-signature": f"v1,{base64.b64encode(made).decode()}",
    }


def _done(http: httpx.Client, trigger_id: str) -> dict[str, Any]:
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        found = http.get(f"/api/triggers/{trigger_id}/runs").json()["items"]
        if found and found[0]["state"] in ("done", "dead"):
            return dict(found[0])
        time.sleep(0.25)
    raise AssertionError("The webhook started nothing.")
