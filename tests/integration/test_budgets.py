"""Budgets: set, shown, taken away, and kept."""

from __future__ import annotations

from typing import Any

import pytest

from smyth.http.services import services
from tests.integration.budgeted import limit, standing, tenant
from tests.integration.events import Answer, Context, call, caller_context
from tests.integration.talkers import NOBODY, ledger, talker


@pytest.fixture
def caller() -> Context:
    """The owner of a tenant who pays $0.01 for each request."""
    return tenant()


def put(caller: Context, scope: str = "tenant", **fields: Any) -> Answer:
    return call("PUT", f"/api/budgets/{scope}", body={"amount": "5", **fields}, caller=caller)


def listed(caller: Context) -> list[str]:
    return [item["scope"] for item in call("GET", "/api/budgets", caller=caller).json()["items"]]


def prompt(caller: Context, agent_id: str) -> Answer:
    return call("POST", f"/api/agents/{agent_id}/prompt", body={"message": "Hi"}, caller=caller)


def new_key(caller: Context) -> str:
    return str(call("POST", "/api/keys", body={"name": "k", "role": "developer"}, caller=caller).json()["id"])


def test_a_budget_is_set_shown_changed_and_taken_away(caller: Context) -> None:
    made = put(caller, amount="20", period="total", per_run="0.1").json()
    assert made == {
        "scope": "tenant",
        "amount": "20.000000",
        "period": "total",
        "per_run": "0.100000",
        "spent": "0.000000",
        "reserved": "0.000000",
        "left": "20.000000",
        "renews_at": None,
    }
    assert call("GET", "/api/budgets", caller=caller).json() == {"items": [made], "next_cursor": None}
    changed = put(caller, amount="30").json()
    assert (changed["amount"], changed["period"], changed["per_run"]) == ("30.000000", "month", None)
    assert changed["renews_at"].endswith("-01T00:00:00.000Z")
    assert call("DELETE", "/api/budgets/tenant", caller=caller).status == 204
    assert call("DELETE", "/api/budgets/tenant", caller=caller).status == 404
    assert listed(caller) == []


def test_agents_and_keys_have_budgets_of_their_own(caller: Context) -> None:
    agent_id, key_id = talker(caller), new_key(caller)
    for scope in (f"key:{key_id}", f"agent:{agent_id}", "tenant"):
        assert put(caller, scope).status == 200
    assert listed(caller) == ["tenant", f"agent:{agent_id}", f"key:{key_id}"]


def test_the_tenant_is_known_to_have_budgets_while_it_has_any(caller: Context) -> None:
    tenant_id = caller["tenant_id"]
    assert not services().tenants.get(tenant_id).budgeted
    put(caller)
    assert services().tenants.get(tenant_id).budgeted
    call("DELETE", "/api/budgets/tenant", caller=caller)
    assert not services().tenants.get(tenant_id).budgeted


@pytest.mark.parametrize("scope", ["nobody", "agent:", "agent:x", f"agent:{NOBODY}", "key:key-x", "agent", "tenant:x"])
def test_what_is_not_there_has_no_budget(caller: Context, scope: str) -> None:
    assert put(caller, scope).status == 404
    assert listed(caller) == []


def test_agents_and_keys_of_others_are_unknown(caller: Context) -> None:
    other = tenant()
    for scope in (f"agent:{talker(other)}", f"key:{new_key(other)}"):
        assert put(caller, scope).status == 404
        assert put(other, scope).status == 200
        assert call("DELETE", f"/api/budgets/{scope}", caller=caller).status == 404
    assert len(listed(other)) == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"amount": 5},
        {"amount": 0.5},
        {"amount": "-1"},
        {"amount": "1e3"},
        {"amount": "0.0000001"},
        {"amount": "1" * 10},
        {"amount": "0.000999"},
        {"amount": None},
        {"period": "week"},
        {"per_run": "free"},
        {"per_run": 1},
        {"spent": "0"},
    ],
)
def test_what_is_no_budget_is_refused(caller: Context, fields: dict[str, Any]) -> None:
    answer = put(caller, **fields)
    assert answer.status in (400, 422)
    assert answer.json()["errors"]
    assert listed(caller) == []


def test_viewers_read_and_only_admins_change(caller: Context) -> None:
    put(caller)
    for role in ("viewer", "developer"):
        weak = caller_context(caller["tenant_id"], role=role)
        assert listed(weak) == ["tenant"]
        assert put(weak, amount="99").status == 403
        assert call("DELETE", "/api/budgets/tenant", caller=weak).status == 403
    assert put(caller_context(caller["tenant_id"], role="admin"), amount="6").status == 200
    scoped = caller_context(caller["tenant_id"], agents=[NOBODY])
    assert call("GET", "/api/budgets", caller=scoped).status == 403
    assert put(scoped).status == 403


def test_a_tenant_may_have_a_hundred(caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smyth.platform.budget_changes.MOST_BUDGETS", 2)
    assert put(caller, f"agent:{talker(caller)}").status == 200
    assert put(caller).status == 200
    refused = put(caller, f"key:{new_key(caller)}")
    assert (refused.status, refused.json()["type"].rpartition(":")[2]) == (403, "limit_reached")
    assert put(caller, amount="6").status == 200


def test_fees_count_and_what_passes_the_budget_is_refused_by_name(caller: Context) -> None:
    agent_id = talker(caller)
    limit(caller, f"agent:{agent_id}", amount="0.031", period="day")
    assert [prompt(caller, agent_id).status for _ in range(4)] == [200, 200, 200, 402]
    refused = prompt(caller, agent_id)
    assert refused.json()["type"].rpartition(":")[2] == "budget_exceeded"
    assert f'The budget "agent:{agent_id}" has $0.001000 of $0.031000 left' in refused.json()["detail"]
    assert "It renews at " in refused.json()["detail"]
    assert standing(caller, f"agent:{agent_id}") == ("0.030000", "0.000000", "0.001000")
    assert prompt(caller, talker(caller)).status == 200
    assert [entry.status for entry in ledger(caller)] == ["settled"] * 4


def test_a_raised_budget_holds_at_once(caller: Context) -> None:
    agent_id = talker(caller)
    limit(caller, amount="0.012", period="total")
    assert [prompt(caller, agent_id).status for _ in range(2)] == [200, 402]
    limit(caller, amount="0.022", period="total")
    assert [prompt(caller, agent_id).status for _ in range(2)] == [200, 402]


def test_a_budget_of_nothing_lets_nothing_through(caller: Context) -> None:
    limit(caller, amount="0")
    assert prompt(caller, talker(caller)).status == 402
    assert ledger(caller) == []
