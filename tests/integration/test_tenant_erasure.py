"""Erasing and exporting tenants: everything goes, or is handed over, wherever it lies in table and bucket."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ulid import ULID

from functions.authorizer.handler import handler as authorize
from smyth.aws.ledger_files import BucketLedgerFiles
from smyth.http.services import services
from smyth.platform.access import Caller
from smyth.platform.erasure import Erasures
from smyth.platform.ledger_export import export, read_rows
from smyth.platform.metering import Admission, Figures
from smyth.platform.plan_changes import LONGEST_REQUEST
from smyth.platform.tenant_export import Exports
from tests.integration.events import OPERATOR, Answer, Context, LambdaContext, call, caller_context, handler

MARK = "Ottilie Quastenflosser"
OWN = (MARK, MARK.replace(" ", "-"), "ottilie@example.com")
OPERATORS_KEY = {"Authorization": "Bearer operator-secret"}


class Fence:
    """Remembers who was removed."""

    def __init__(self) -> None:
        self.removed: list[str] = []

    def place(self, tenant: Any, plan: str) -> None:
        raise AssertionError("nobody is placed")

    def remove(self, tenant: Any) -> None:
        self.removed.append(tenant.id)


def good(answer: Answer) -> Any:
    assert answer.status < 300, answer.content
    return answer.json() if answer.content else None


def make_tenant(name: str = MARK) -> str:
    headers = {"Idempotency-Key": f"t-{ULID()}"}
    made = good(call("POST", "/api/tenants", caller=OPERATOR, headers=headers, body={"name": name, "plan": "basic"}))
    tenant_id: str = made["id"]
    return tenant_id


def fill(tenant_id: str) -> tuple[str, str]:
    """Leave something of every kind behind, all of it marked; return a key's secret and an agent's id."""
    owner = caller_context(tenant_id, plan="basic")
    key = good(
        call("POST", "/api/keys", caller=OPERATOR, headers=OPERATORS_KEY, body=_key(tenant_id)),
    )["key"]
    agent = good(call("POST", "/api/agents/create", caller=owner, body={"name": MARK, "behavior": MARK}))["id"]
    good(call("PUT", f"/api/models/{MARK.replace(' ', '-')}", caller=owner, body={"provider": "OpenAI", "model": "m"}))
    good(call("PUT", "/api/credentials/house", caller=owner, body={"value": "s3cret", "description": MARK}))
    headers = {"Idempotency-Key": f"say-{tenant_id}"}
    said = {"message": f"I am {MARK}", "conversation_id": MARK.replace(" ", "-")}
    good(call("POST", f"/api/agents/{agent}/chat", caller=owner, headers=headers, body=said))
    items = [{"id": "1", "vector": [1.0, 2.0], "metadata": {"who": MARK}}]
    good(call("POST", "/api/vectordb/upsert", caller=owner, body={"namespace": "n", "items": items}))
    invited = {"name": MARK, "email": "ottilie@example.com", "role": "viewer"}
    good(call("POST", "/api/invitations", caller=owner, headers=OPERATORS_KEY, body=invited))
    services().bucket.put(f"t/{tenant_id}/fs/letter.txt", MARK.encode())
    services().file_links.make(f"t/{tenant_id}/fs/letter.txt", MARK, None)
    return key, agent


def _key(tenant_id: str) -> dict[str, Any]:
    return {"name": MARK, "role": "owner", "tenant_id": tenant_id}


def stored() -> tuple[list[dict[str, Any]], dict[str, bytes]]:
    """All that lies in the table and in the bucket."""
    items: list[dict[str, Any]] = []
    pages = services().table.client.get_paginator("scan").paginate(TableName=services().table.name)
    for page in pages:
        items += page["Items"]
    bucket = services().bucket
    return items, {name: bucket.get(name) or b"" for name in bucket.keys("")}


def telling(tenant_id: str, *marks: str) -> list[str]:
    """What in table and bucket tells of the tenant or bears a mark, ledger amounts and the operator's audit apart."""
    items, objects = stored()
    marks = (tenant_id, *marks)
    found = []
    for item in items:
        pk = item["pk"]["S"]
        amounts = pk.startswith(f"T#{tenant_id}#L#") or pk.startswith("T#operator#A")
        if any(mark in str(item) for mark in marks[amounts:]):
            found.append(f"{pk} / {item['sk']['S']}")
    for name, content in objects.items():
        if any(mark in name or mark.encode() in content for mark in marks):
            found.append(name)
    return found


def later(fence: Any = None) -> Erasures:
    """Erasures at a time when no request can be at work any more."""
    own = services().erasures
    clock = lambda: datetime.now(UTC) + LONGEST_REQUEST + timedelta(minutes=1)  # noqa: E731
    return Erasures(own._store, services().tenants, fence or own._fence, clock)


def test_nothing_stays_of_an_erased_tenant_but_what_the_ledger_says_of_amounts() -> None:
    tenant_id, other = make_tenant(), make_tenant("somebody else")
    key, agent = fill(tenant_id)
    other_key = good(
        call("POST", "/api/keys", caller=OPERATOR, headers=OPERATORS_KEY, body=_key(other) | {"name": "k"})
    )
    good(call("GET", f"/api/tenants/{tenant_id}/export", caller=OPERATOR))
    handler("schedule_tick")({}, LambdaContext())
    before = ledger(tenant_id)
    export(BucketLedgerFiles(services().bucket), services().meter.store.entries(tenant_id, datetime.now(UTC).date()))
    lines = exported_lines(tenant_id)
    assert {line["agent_id"] for line in lines} == {agent}
    assert len(telling(tenant_id, agent, *OWN)) > 15  # Else this test would prove little.

    asked = call("DELETE", f"/api/tenants/{tenant_id}", caller=OPERATOR)
    assert (asked.status, asked.json()["status"]) == (202, "erasing")
    while not is_gone(tenant_id):
        later().go_on(Steps(9))

    assert telling(tenant_id, agent, key, *OWN) == []
    secrets = services().credential_store._client.list_secrets(Filters=[{"Key": "name", "Values": [tenant_id]}])
    assert secrets["SecretList"] == []
    after = ledger(tenant_id)
    amounts = ("request_id", "price", "fee", "provider_cost", "input_tokens", "output_tokens", "status", "at")
    assert after
    assert [{name: one.get(name) for name in amounts} for one in after] == [
        {name: one.get(name) for name in amounts} for one in before
    ]
    assert not any({"agent_id", "key_id", "route", "model", "budgets"} & set(one) for one in after)
    nameless = {"agent_id": "", "key_id": "", "route": "", "model": ""}
    assert exported_lines(tenant_id) == [line | nameless for line in lines]
    assert call("GET", f"/api/tenants/{tenant_id}", caller=OPERATOR).status == 404
    assert call("DELETE", f"/api/tenants/{tenant_id}", caller=OPERATOR).status == 404
    assert good(call("GET", f"/api/tenants/{other}", caller=OPERATOR))["name"] == "somebody else"
    assert context_of(other_key["key"])["tenant_id"] == other


def test_a_tenant_is_refused_and_cannot_be_brought_back_once_it_is_being_erased() -> None:
    tenant_id = make_tenant()
    key = good(call("POST", "/api/keys", caller=OPERATOR, headers=OPERATORS_KEY, body=_key(tenant_id)))["key"]
    first = good(call("DELETE", f"/api/tenants/{tenant_id}", caller=OPERATOR))
    assert good(call("DELETE", f"/api/tenants/{tenant_id}", caller=OPERATOR)) == first
    refused = call("GET", "/api/agents", caller=context_of(key))
    assert (refused.status, "being erased" in refused.json()["detail"]) == (403, True)
    resumed = call("PATCH", f"/api/tenants/{tenant_id}", caller=OPERATOR, body={"status": "active"})
    assert resumed.status == 409
    wish = {"reason": "look"}
    acting = call("POST", f"/api/tenants/{tenant_id}/impersonate", caller=OPERATOR, headers=OPERATORS_KEY, body=wish)
    assert acting.status == 409
    assert call("PATCH", f"/api/tenants/{make_tenant()}", caller=OPERATOR, body={"status": "erasing"}).status == 422


def test_nothing_is_erased_while_requests_may_be_at_work() -> None:
    tenant_id = make_tenant()
    services().erasures.request(tenant_id)
    services().erasures.go_on(lambda: True)
    assert services().tenants.get(tenant_id).name == MARK


def test_an_open_request_is_swept_before_its_tenant_is_gone() -> None:
    tenant_id = make_tenant()
    caller = Caller(tenant_id, "owner", MARK, "basic")
    route = "POST /api/agents/{agent_id}/prompt"
    admitted = services().meter.admit(caller, request_id=str(ULID()), route=route)
    assert isinstance(admitted, Admission)
    services().erasures.request(tenant_id)
    for _ in range(3):
        later().go_on(lambda: True)
    assert not is_gone(tenant_id)
    services().meter.release(admitted, Figures())
    for _ in range(2):
        later().go_on(lambda: True)
    assert is_gone(tenant_id)
    assert telling(tenant_id) == []


def test_the_gateway_forgets_an_erased_tenant() -> None:
    tenant_id, fence = make_tenant(), Fence()
    later(fence).request(tenant_id)
    assert fence.removed == [tenant_id]


def test_an_export_holds_what_is_stored_and_no_secret() -> None:
    tenant_id = make_tenant()
    key, agent = fill(tenant_id)
    path = f"/api/tenants/{tenant_id}/export"
    first = call("GET", path, caller=OPERATOR)
    assert (first.status, first.json()["status"], first.json()["links"]) == (202, "running", [])
    services().exports.go_on(lambda: True)
    ready = good(call("GET", path, caller=OPERATOR))
    assert (ready["status"], len(ready["links"])) == ("ready", 1)
    content = exported(tenant_id)
    assert content["objects/fs/letter.txt"] == MARK.encode()
    assert any(name.startswith(f"objects/agents/{agent}/") for name in content)
    records = [
        json.loads(line) for name, text in content.items() if name[:7] == "records" for line in text.splitlines()
    ]
    assert {"META", f"AGENT#{agent}"} <= {record.get("key") for record in records}
    assert any(record["partition"] == "KEY" and record["name"] == MARK for record in records)
    text = json.dumps(records)
    assert services().tenants.get(tenant_id).usage_identifier not in text
    assert "sha256" not in {name for record in records if record["partition"] == "KEY" for name in record}
    assert key not in text
    assert good(call("GET", path, caller=OPERATOR))["requested_at"] == ready["requested_at"]
    assert call("GET", f"{path}?anew=true", caller=OPERATOR).status == 202


def test_an_export_that_is_cut_goes_on_in_a_further_archive() -> None:
    tenant_id = make_tenant()
    fill(tenant_id)
    whole = Exports(services().exports._store, services().tenants)
    whole.ask(tenant_id)
    whole.go_on(lambda: True)
    at_once = exported(tenant_id)
    whole.ask(tenant_id, anew=True)
    calls = 0
    while whole.ask(tenant_id)[0].finished_at is None:
        whole.go_on(Steps(2))
        calls += 1
    assert calls > 1
    assert whole.ask(tenant_id)[0].archives > 1
    pieces = exported(tenant_id)
    assert {name for name in pieces if name[:7] == "objects"} == {name for name in at_once if name[:7] == "objects"}


@pytest.mark.parametrize("path", ["ten-nobody", "..%2F..", f"ten-{'0' * 26}"])
def test_nobody_is_exported_or_erased_who_does_not_exist(path: str) -> None:
    assert call("GET", f"/api/tenants/{path}/export", caller=OPERATOR).status == 404
    assert call("DELETE", f"/api/tenants/{path}", caller=OPERATOR).status == 404


def test_only_the_operator_exports_erases_or_acts_as_a_tenant() -> None:
    tenant_id = make_tenant()
    owner = caller_context(tenant_id)
    assert call("DELETE", f"/api/tenants/{tenant_id}", caller=owner).status == 403
    assert call("GET", f"/api/tenants/{tenant_id}/export", caller=owner).status == 403
    wish = {"reason": "curious"}
    assert call("POST", f"/api/tenants/{tenant_id}/impersonate", caller=owner, body=wish).status == 403
    assert services().tenants.get(tenant_id).status == "active"


def test_the_operator_acts_as_a_tenant_with_a_key_that_ends_and_tells_who_it_is() -> None:
    tenant_id = make_tenant()
    path = f"/api/tenants/{tenant_id}/impersonate"
    wish = {"reason": "help with an import", "role": "developer", "minutes": 5}
    headers = OPERATORS_KEY | {"Idempotency-Key": f"act-{tenant_id}"}
    acting = good(call("POST", path, caller=OPERATOR, headers=headers, body=wish))
    context = context_of(acting["key"])
    assert (context["tenant_id"], context["role"], context["acting_for"]) == (tenant_id, "developer", "operator")
    assert datetime.fromisoformat(acting["expires_at"]) - datetime.now(UTC) <= timedelta(minutes=5)
    assert good(call("GET", "/api/agents", caller=context))["items"] == []
    (listed,) = good(call("GET", "/api/keys", caller=caller_context(tenant_id)))["items"]
    assert listed["name"] == "operator: help with an import"
    assert good(call("POST", path, caller=OPERATOR, headers=headers, body=wish)) == acting


def test_who_acts_as_a_tenant_makes_no_key_that_outlives_it() -> None:
    tenant_id = make_tenant()
    wish = {"reason": "help", "role": "owner"}
    path = f"/api/tenants/{tenant_id}/impersonate"
    acting = good(call("POST", path, caller=OPERATOR, headers=OPERATORS_KEY, body=wish))
    made = call("POST", "/api/keys", caller=context_of(acting["key"]), body={"name": "k", "role": "viewer"})
    assert made.status == 403


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"reason": ""},
        {"reason": "x", "minutes": 61},
        {"reason": "x", "minutes": 0},
        {"reason": "x", "role": "king"},
    ],
)
def test_acting_as_a_tenant_needs_a_reason_and_an_end(wish: dict[str, Any]) -> None:
    path = f"/api/tenants/{make_tenant()}/impersonate"
    assert call("POST", path, caller=OPERATOR, headers=OPERATORS_KEY, body=wish).status == 422


class Steps:
    """Time for so many steps."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def __call__(self) -> bool:
        self.left -= 1
        return self.left >= 0


def is_gone(tenant_id: str) -> bool:
    return call("GET", f"/api/tenants/{tenant_id}", caller=OPERATOR).status == 404


def ledger(tenant_id: str) -> list[dict[str, Any]]:
    return list(services().table.query(f"T#{tenant_id}#L#{datetime.now(UTC).date()}"))


def exported_lines(tenant_id: str) -> list[dict[str, Any]]:
    """The tenant's lines of the ledger's files."""
    bucket = services().bucket
    rows = [row for name in bucket.keys("ledger/") for row in read_rows(bucket.get(name) or b"").values()]
    return [row for row in rows if row["tenant_id"] == tenant_id]


def context_of(key: str) -> Context:
    event = {"methodArn": "arn:x", "headers": {"x-api-key": key}, "httpMethod": "GET", "resource": "/api/agents"}
    context: Context = authorize(event, LambdaContext())["context"]
    return context


def exported(tenant_id: str) -> dict[str, bytes]:
    """The content of all archives of the latest export."""
    export, links = services().exports.ask(tenant_id)
    assert len(links) == export.archives
    content: dict[str, bytes] = {}
    for number in range(1, export.archives + 1):
        archive = services().bucket.get(f"t/{tenant_id}/exports/{export.id}/{number}.zip")
        with zipfile.ZipFile(io.BytesIO(archive or b"")) as opened:
            content |= {
                f"{name}" if name[:7] == "objects" else f"{name}-{number}": opened.read(name)
                for name in opened.namelist()
            }
    return content
