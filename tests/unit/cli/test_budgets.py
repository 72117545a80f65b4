from __future__ import annotations

import json

from tests.unit.cli.conftest import Api, Ran, Smyth

BUDGET = {
    "scope": "agent:agt-1",
    "amount": "20.000000",
    "period": "month",
    "per_run": None,
    "spent": "1.500000",
    "reserved": "0.250000",
    "left": "18.250000",
    "renews_at": "2026-06-01T00:00:00.000Z",
}
AT = "/api/budgets/agent%3Aagt-1"


def at(smyth: Smyth, api: Api, *arguments: str) -> Ran:
    return smyth("budgets", *arguments, "--url", api.url, "--key", "k")


def test_list_tells_where_budgets_stand(smyth: Smyth, api: Api) -> None:
    api.answers["GET /api/budgets"] = (200, {"items": [BUDGET], "next_cursor": None})
    told = at(smyth, api, "list").out.split()
    assert told[8:] == [str(value or "-") for value in BUDGET.values()]
    assert at(smyth, api, "list", "--json").json()["items"] == [BUDGET]


def test_set_sends_the_budget_of_a_scope(smyth: Smyth, api: Api) -> None:
    api.answers[f"PUT {AT}"] = (200, BUDGET)
    assert "18.250000" in at(smyth, api, "set", "agent:agt-1", "20").out
    assert at(smyth, api, "set", "agent:agt-1", "20", "--period", "day", "--per-run", "0.1", "--json").json() == BUDGET
    assert [json.loads(body) for *_, body in api.asked] == [
        {"amount": "20", "period": "month", "per_run": None},
        {"amount": "20", "period": "day", "per_run": "0.1"},
    ]


def test_delete_takes_the_budget_away(smyth: Smyth, api: Api) -> None:
    api.answers[f"DELETE {AT}"] = (204, b"")
    ran = at(smyth, api, "delete", "agent:agt-1")
    assert (ran.code, ran.out) == (0, "deleted the budget agent:agt-1\n")


def test_what_the_server_refuses_is_told_in_a_line(smyth: Smyth, api: Api) -> None:
    api.answers[f"DELETE {AT}"] = (404, {"title": "Not Found", "detail": "There is no such budget."})
    ran = at(smyth, api, "delete", "agent:agt-1")
    assert (ran.code, ran.err) == (1, "smyth: There is no such budget. (HTTP 404)\n")


def test_a_scope_is_no_path(smyth: Smyth, api: Api) -> None:
    at(smyth, api, "delete", "../keys")
    assert api.asked[0][1] == "/api/budgets/..%2Fkeys"
