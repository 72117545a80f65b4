from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.cli.conftest import Api, Ran, Smyth

REPORT = {
    "plan": "basic",
    "requests": {"limit": 1000, "used": 12, "remaining": 988},
    "cost": "0.120000",
    "currency": "USD",
    "items": [
        {
            "day": "2026-05-01",
            "requests": 12,
            "input_tokens": 1,
            "output_tokens": 2,
            "cached_tokens": 0,
            "provider_cost": "0.000100",
            "cost": "0.120000",
        }
    ],
}
TENANT = "ten-01jd0000000000000000000000"


def at(smyth: Smyth, api: Api, *arguments: str) -> Ran:
    return smyth("usage", *arguments, "--url", api.url, "--key", "k")


def compared(api: Api) -> list[tuple[str, str, bool]]:
    """The stretches that the server was asked to compare."""
    bodies = [json.loads(asked[3]) for asked in api.asked if asked[0] == "POST"]
    return [(body["from"], body["to"], body["repair"]) for body in bodies]


def answer(api: Api, *differences: dict[str, Any]) -> None:
    api.answers[f"POST /api/tenants/{TENANT}/rebuild"] = (200, {"tenant_id": TENANT, "differences": list(differences)})
    api.answers[f"GET /api/tenants/{TENANT}"] = (200, {"created_at": "2026-05-01T00:00:00.000Z"})


def test_usage_is_told_as_a_table_and_as_json(smyth: Smyth, api: Api) -> None:
    api.answers["GET /api/usage"] = (200, REPORT)
    ran = at(smyth, api, "--from", "2026-05-01", "--to", "2026-05-31", "--tenant", TENANT)
    assert "12 requests (988 of 1000 left), 0.120000 USD" in ran.out
    assert "2026-05-01" in ran.out
    assert api.asked[0][1] == f"/api/usage?from=2026-05-01&to=2026-05-31&group_by=day&tenant_id={TENANT}"
    assert at(smyth, api, "--json").json() == REPORT


def test_a_long_time_is_compared_month_by_month(smyth: Smyth, api: Api) -> None:
    answer(api)
    ran = at(smyth, api, "rebuild", TENANT, "--from", "2026-05-01", "--to", "2026-07-04")
    assert (ran.code, "equal the ledger" in ran.out) == (0, True)
    assert compared(api) == [
        ("2026-05-01", "2026-05-31", False),
        ("2026-06-01", "2026-07-01", False),
        ("2026-07-02", "2026-07-04", False),
    ]


def test_without_days_all_that_a_tenant_ever_used_is_compared(smyth: Smyth, api: Api) -> None:
    answer(api)
    assert at(smyth, api, "rebuild", TENANT).code == 0
    assert compared(api)[0][0] == "2026-05-01"


@pytest.mark.parametrize(("repaired", "code"), [(False, 1), (True, 0)])
def test_a_difference_is_told_once_and_ends_with_one_unless_repaired(
    smyth: Smyth, api: Api, repaired: bool, code: int
) -> None:
    answer(api, {"kind": "meter", "name": "prepaid", "ledger": 1, "found": 2, "repaired": repaired})
    options = ["--repair"] if repaired else []
    ran = at(smyth, api, "rebuild", TENANT, "--from", "2026-05-01", "--to", "2026-07-04", "--json", *options)
    assert ran.code == code
    assert len(ran.json()["differences"]) == 1
    assert {repair for _, _, repair in compared(api)} == {repaired}


@pytest.mark.parametrize(
    "arguments",
    [("rebuild",), ("frobnicate",), ("--repair",), ("--by", "moon"), ("rebuild", TENANT, "--from", "yesterday")],
)
def test_wrong_usage_is_two(smyth: Smyth, api: Api, arguments: tuple[str, ...]) -> None:
    ran = at(smyth, api, *arguments)
    assert (ran.code, api.asked) == (2, [])
    assert ran.err.startswith("smyth: ")
