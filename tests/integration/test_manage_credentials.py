"""Credentials through their function: values go in, and never come out but to agents."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from smyth.http.services import services
from tests.integration.events import Answer, Context, call, caller_context

SECRET = 's3cret-äöü-"quoted"'


def put(caller: Context, name: str = "house", **members: Any) -> Answer:
    return call("PUT", f"/api/credentials/{name}", body=members, caller=caller)


def read(caller: Context, name: str = "house", agent: str = "") -> str | None:
    """The value as agents get it, without waiting for what a warm function has kept."""
    vars(services()).pop("kept_vaults", None)
    vault = services().vault(caller["tenant_id"])
    return asyncio.run((vault.of_agent(agent) if agent else vault).get("whatever", name))


def test_a_credential_is_made_shown_changed_and_deleted(caller: Context) -> None:
    made = put(caller, value=SECRET, description="Ours")
    assert made.status == 200, made.content
    shown = call("GET", "/api/credentials/house", caller=caller)
    assert shown.json() | {"rotation_secret": None} == made.json()
    assert (shown.json()["current"], shown.json()["revision"], shown.json()["last_used"]) == (1, 1, None)
    assert put(caller, description="Still ours").json()["current"] == 1
    assert [one["name"] for one in call("GET", "/api/credentials", caller=caller).json()["items"]] == ["house"]
    assert call("DELETE", "/api/credentials/house", caller=caller).status == 204
    assert call("GET", "/api/credentials/house", caller=caller).status == 404
    assert call("DELETE", "/api/credentials/house", caller=caller).status == 404


def test_no_answer_holds_a_value(caller: Context) -> None:
    answers = [
        put(caller, value=SECRET),
        put(caller, value="x" * 20_000 + SECRET),
        put(caller, value=SECRET, unknown=1),
        call("PUT", "/api/credentials/bad%20name", body={"value": SECRET}, caller=caller),
        call("PUT", "/api/credentials/house", body=json.dumps({"value": [SECRET]}), caller=caller),
        call("POST", "/api/credentials/house/rotate", body={"value": f"{SECRET}2"}, caller=caller),
        call("POST", "/api/credentials/house/rollback", caller=caller),
        call("GET", "/api/credentials", caller=caller),
        call("GET", "/api/credentials/house", caller=caller),
    ]
    assert [answer.status for answer in answers] == [200, 422, 422, 422, 422, 200, 200, 200, 200]
    for answer in answers:
        assert b"s3cret" not in answer.content


def test_versions_go_on_and_back_and_three_are_kept(caller: Context) -> None:
    for number in range(1, 6):
        put(caller, value=f"value {number}")
    assert read(caller) == "value 5"
    back = call("POST", "/api/credentials/house/rollback", caller=caller).json()
    assert (back["current"], [one["number"] for one in back["versions"]]) == (4, [3, 4, 5])
    assert read(caller) == "value 4"
    assert call("POST", "/api/credentials/house/rollback", body={"version": 1}, caller=caller).status == 404
    assert call("POST", "/api/credentials/house/rollback", body={"version": 3}, caller=caller).json()["current"] == 3
    # The version in use is not the one that goes.
    assert [one["number"] for one in put(caller, value="value 6").json()["versions"]] == [3, 5, 6]
    assert read(caller) == "value 6"


def test_the_same_value_again_is_no_new_version(caller: Context) -> None:
    first = put(caller, value=SECRET).json()
    again = put(caller, value=SECRET).json()
    assert again == first
    assert read(caller) == SECRET


def test_a_writer_who_knows_an_old_revision_is_refused(caller: Context) -> None:
    assert put(caller, value="one", revision=0).status == 200
    assert put(caller, value="two", revision=0).status == 409
    assert put(caller, value="two", revision=1).json()["revision"] == 2
    refused = put(caller, value="three", revision=1)
    assert refused.status == 409
    assert "revision 2" in refused.json()["detail"]


def test_a_credential_for_named_agents_is_for_no_others(caller: Context) -> None:
    put(caller, value=SECRET, access={"agent:agt-1": ["read"]})
    assert read(caller) is None
    assert read(caller, agent="agt-2") is None
    assert read(caller, agent="agt-1") == SECRET
    developer = caller_context(caller["tenant_id"], role="developer")
    assert call("GET", "/api/credentials/house", caller=developer).status == 403
    assert put(developer, value="mine").status == 403
    assert call("DELETE", "/api/credentials/house", caller=developer).status == 403
    assert call("GET", "/api/credentials", caller=developer).json()["items"] == []


def test_the_day_of_the_last_use_is_noted(caller: Context) -> None:
    put(caller, value=SECRET)
    assert read(caller) == SECRET
    shown = call("GET", "/api/credentials/house", caller=caller).json()
    assert len(shown["last_used"]) == len("2026-01-01")
    # And a change of the record leaves it.
    assert put(caller, description="x").json()["last_used"] == shown["last_used"]


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({}, "Give its value"),
        ({"value": " "}, "blank"),
        ({"value": "x" * 16_385}, "16,384 bytes"),
        ({"value": "x", "access": {"nobody": ["read"]}}, "no candidate"),
        ({"value": "x", "rotation": {"url": "ftp://example.com", "every_days": 1}}, "url"),
        ({"value": "x", "rotation": {"url": "https://169.254.169.254/", "every_days": 1}}, "not a public address"),
        ({"value": "x", "rotation": {"url": "http://example.com/", "every_days": 1}}, "https"),
        ({"value": "x", "rotation": {"url": "https://example.com/", "every_days": 0}}, "every_days"),
    ],
)
def test_what_cannot_be_a_credential_is_refused(caller: Context, members: dict[str, Any], said: str) -> None:
    answer = put(caller, **members)
    assert answer.status == 422, answer.content
    assert said in answer.content.decode()
    assert call("GET", "/api/credentials", caller=caller).json()["items"] == []


def test_credentials_of_other_tenants_are_unknown(caller: Context) -> None:
    put(caller, value=SECRET)
    stranger = caller_context()
    assert call("GET", "/api/credentials/house", caller=stranger).status == 404
    assert call("POST", "/api/credentials/house/rotate", body={"value": "x"}, caller=stranger).status == 404
    assert read(stranger) is None


def test_lists_come_in_pages(caller: Context) -> None:
    for number in range(5):
        put(caller, f"key-{number}", value="x")
    first = call("GET", "/api/credentials?limit=3", caller=caller).json()
    rest = call("GET", f"/api/credentials?limit=3&cursor={first['next_cursor']}", caller=caller).json()
    assert [one["name"] for one in first["items"] + rest["items"]] == [f"key-{number}" for number in range(5)]
    assert rest["next_cursor"] is None
