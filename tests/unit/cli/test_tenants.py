from __future__ import annotations

import json

import pytest

from tests.unit.cli.conftest import Api, Ran, Smyth

TENANT = {"id": "ten-1", "name": "acme", "plan": "pro", "status": "active", "created_at": "2026-05-01T00:00:00.000Z"}
PLAN = {
    "name": "prepaid",
    "mine": True,
    "price_per_month": "0.000000",
    "price_per_request": "0.005000",
    "overage_per_request": None,
    "model_markup_percent": 20,
    "prepaid": True,
    "package": {"requests": 10_000, "price": "50.000000"},
    "requests_per_month": None,
    "agents": 25,
}


def at(smyth: Smyth, api: Api, *arguments: str) -> Ran:
    return smyth(*arguments, "--url", api.url, "--key", "operators")


def sent(api: Api) -> list[tuple[str, str, object]]:
    return [(method, path, json.loads(body or b"null")) for method, path, _, body in api.asked]


def test_list_and_show_print_tenants(smyth: Smyth, api: Api) -> None:
    api.answers["GET /api/tenants"] = (200, {"items": [TENANT], "next_cursor": None})
    api.answers["GET /api/tenants/ten-1"] = (200, TENANT)
    assert "acme" in at(smyth, api, "tenants", "list").out
    assert at(smyth, api, "tenants", "list", "--json").json() == [TENANT]
    assert at(smyth, api, "tenants", "show", "ten-1").json() == TENANT


def test_create_sends_only_what_was_said(smyth: Smyth, api: Api) -> None:
    api.answers["POST /api/tenants"] = (201, TENANT)
    assert at(smyth, api, "tenants", "create", "acme", "--plan", "pro").out.startswith("ten-1 has the plan pro")
    more = ("--requests", "0", "--time-zone", "Asia/Tokyo", "--trial-days", "14", "--per-minute", "9")
    at(smyth, api, "tenants", "create", "acme", "--plan", "pro", *more)
    whole = {"limits": {"requests_per_month": 0}, "time_zone": "Asia/Tokyo", "trial_days": 14, "requests_per_minute": 9}
    plain = {"name": "acme", "plan": "pro"}
    assert [body for _, _, body in sent(api)] == [plain, plain | whole]


@pytest.mark.parametrize(
    ("arguments", "body"),
    [
        (("change", "ten-1", "--plan", "pro"), {"plan": "pro"}),
        (("change", "ten-1", "--agents", "3"), {"limits": {"agents": 3}}),
        (("change", "ten-1", "--storage-bytes", "1000"), {"limits": {"storage_bytes": 1000}}),
        (("change", "ten-1", "--plan-limits"), {"limits": None}),
        (("change", "ten-1", "--trial-until", "2026-06-30"), {"trial_until": "2026-06-30T00:00:00+00:00"}),
        (
            ("change", "ten-1", "--trial-until", "2026-06-30T08:00:00+02:00"),
            {"trial_until": "2026-06-30T08:00:00+02:00"},
        ),
        (("change", "ten-1", "--end-trial"), {"trial_until": None}),
        (("suspend", "ten-1"), {"status": "suspended"}),
        (("resume", "ten-1"), {"status": "active"}),
    ],
)
def test_a_change_names_what_is_changed_and_nothing_else(
    smyth: Smyth, api: Api, arguments: tuple[str, ...], body: object
) -> None:
    api.answers["PATCH /api/tenants/ten-1"] = (200, TENANT)
    assert at(smyth, api, "tenants", *arguments).code == 0
    assert sent(api) == [("PATCH", "/api/tenants/ten-1", body)]


@pytest.mark.parametrize(
    "arguments",
    [
        ("change", "ten-1"),
        ("change", "ten-1", "--plan-limits", "--agents", "3"),
        ("change", "ten-1", "--end-trial", "--trial-until", "2026-06-30"),
    ],
)
def test_a_change_that_says_nothing_or_two_things_is_not_sent(
    smyth: Smyth, api: Api, arguments: tuple[str, ...]
) -> None:
    assert at(smyth, api, "tenants", *arguments).code == 2
    assert api.asked == []


def test_a_tenant_is_erased_only_by_who_says_so_twice(smyth: Smyth, api: Api) -> None:
    told = {"tenant_id": "ten-1", "status": "erasing", "begins_at": "2026-05-01T00:17:00.000Z"}
    api.answers["DELETE /api/tenants/ten-1"] = (202, told)
    refused = at(smyth, api, "tenants", "erase", "ten-1")
    assert (refused.code, "--yes" in refused.err, api.asked) == (1, True, [])
    assert "2026-05-01T00:17" in at(smyth, api, "tenants", "erase", "ten-1", "--yes").out


def test_an_export_prints_its_links_once_it_is_ready(smyth: Smyth, api: Api) -> None:
    running = {"status": "running", "links": []}
    api.answers["GET /api/tenants/ten-1/export"] = (202, running)
    assert "Ask again" in at(smyth, api, "tenants", "export", "ten-1").out
    api.answers["GET /api/tenants/ten-1/export"] = (200, {"status": "ready", "links": ["https://a", "https://b"]})
    assert at(smyth, api, "tenants", "export", "ten-1", "--anew").out == "https://a\nhttps://b\n"
    assert api.asked[1][1].endswith("?anew=true")


def test_impersonating_prints_the_key_and_says_why(smyth: Smyth, api: Api) -> None:
    api.answers["POST /api/tenants/ten-1/impersonate"] = (201, {"key": "smyth_secret", "expires_at": "soon"})
    assert at(smyth, api, "tenants", "impersonate", "ten-1", "--reason", "help").out == "smyth_secret\n"
    assert sent(api)[0][2] == {"reason": "help", "role": "viewer", "minutes": 15}
    assert at(smyth, api, "tenants", "impersonate", "ten-1").code == 2


def test_an_id_is_no_path(smyth: Smyth, api: Api) -> None:
    at(smyth, api, "tenants", "show", "../keys")
    assert api.asked[0][1] == "/api/tenants/..%2Fkeys"


def test_plans_prints_the_price_list(smyth: Smyth, api: Api) -> None:
    api.answers["GET /api/billing/plans"] = (200, {"items": [PLAN], "next_cursor": None})
    ran = at(smyth, api, "plans")
    assert all(told in ran.out for told in ("prepaid *", "10000 for 50.000000", "+20 %", "25"))
    assert at(smyth, api, "plans", "--json").json() == [PLAN]
