from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.cli.conftest import Api, Ran, Smyth

KEY = {
    "id": "key-1",
    "name": "ci [x]",
    "role": "viewer",
    "prefix": "smyth_abcdef",
    "expires_at": None,
    "last_used": None,
    "previous_until": None,
}
MEMBER = {"id": "mem-1", "name": "Ada", "role": "viewer", "email": None, "kind": "person", "joined_at": "2026"}
MEMBER |= {"tenant_id": "ten-1"}
INVITATION = {"id": "inv-1", "name": "Ada", "role": "viewer", "email": "a@b.c", "expires_at": "2026"}


def at(smyth: Smyth, api: Api, *arguments: str) -> Ran:
    return smyth(*arguments, "--url", api.url, "--key", "k")


def page(*items: dict[str, Any], cursor: str | None = None) -> tuple[int, Any]:
    return 200, {"items": [*items], "next_cursor": cursor}


@pytest.mark.parametrize(
    ("command", "path", "item"),
    [
        (("keys", "list"), "/api/keys", KEY),
        (("members", "list"), "/api/members", MEMBER),
        (("members", "invitations"), "/api/invitations", INVITATION),
    ],
)
def test_lists_follow_their_pages(
    smyth: Smyth, api: Api, command: tuple[str, str], path: str, item: dict[str, Any]
) -> None:
    api.answers[f"GET {path}"] = page(item, cursor="more")
    ran = at(smyth, api, *command, "--limit", "2", "--tenant", "ten-1", "--json")
    assert ran.json() == [item, item]
    assert [asked[1] for asked in api.asked] == [
        f"{path}?tenant_id=ten-1&limit=2",
        f"{path}?tenant_id=ten-1&limit=1&cursor=more",
    ]
    api.answers[f"GET {path}"] = page(item)
    assert item["name"] in at(smyth, api, *command).out


def test_a_new_key_is_printed_once_with_all_that_was_asked_for(smyth: Smyth, api: Api) -> None:
    api.answers["POST /api/keys"] = (201, KEY | {"key": "smyth_abcdefgh"})
    options = ["--role", "viewer", "--agent", "agt-1", "--agent", "agt-2", "--route", "GET /api/agents"]
    ran = at(smyth, api, "keys", "create", "ci", *options, "--per-minute", "5", "--expires", "2027-01-31T00:00:00Z")
    assert "smyth_abcdefgh" in ran.out
    assert json.loads(api.asked[0][3]) == {
        "name": "ci",
        "role": "viewer",
        "agents": ["agt-1", "agt-2"],
        "routes": ["GET /api/agents"],
        "expires_at": "2027-01-31T00:00:00Z",
        "requests_per_minute": 5,
    }


def test_a_rotation_tells_how_long_the_old_secret_counts(smyth: Smyth, api: Api) -> None:
    answer = KEY | {"key": "smyth_new", "previous_until": "2026-11-24T00:00:00.000Z"}
    api.answers["POST /api/keys/key-1/rotate"] = (201, answer)
    ran = at(smyth, api, "keys", "rotate", "key-1", "--overlap-hours", "0.5")
    assert "smyth_new" in ran.out
    assert "2026-11-24" in ran.out
    assert json.loads(api.asked[0][3]) == {"overlap_seconds": 1800}


def test_only_what_was_said_is_changed(smyth: Smyth, api: Api) -> None:
    api.answers["PATCH /api/keys/key-1"] = (200, KEY)
    api.answers["PATCH /api/members/mem-1"] = (200, MEMBER)
    assert at(smyth, api, "keys", "change", "key-1", "--role", "viewer").out == "key-1  ci [x]  viewer\n"
    assert at(smyth, api, "members", "change", "mem-1", "--name", "Ada").out == "mem-1  Ada  viewer\n"
    assert [json.loads(asked[3]) for asked in api.asked] == [{"role": "viewer"}, {"name": "Ada"}]


@pytest.mark.parametrize(
    ("command", "path"),
    [
        (("keys", "revoke"), "/api/keys/"),
        (("members", "remove"), "/api/members/"),
        (("members", "withdraw"), "/api/invitations/"),
    ],
)
def test_what_is_taken_away_is_named_and_no_other_path_is_asked(
    smyth: Smyth, api: Api, command: tuple[str, str], path: str
) -> None:
    api.answers[f"DELETE {path}it"] = (204, b"")
    assert at(smyth, api, *command, "it").code == 0
    assert at(smyth, api, *command, "../tenants/ten-1").code == 1
    assert [asked[:2] for asked in api.asked] == [
        ("DELETE", f"{path}it"),
        ("DELETE", f"{path}..%2Ftenants%2Ften-1"),
    ]


def test_an_invitations_code_is_printed_and_accepted_by_token(smyth: Smyth, api: Api) -> None:
    api.answers["POST /api/invitations"] = (201, INVITATION | {"code": "invite_abc"})
    api.answers["POST /api/invitations/accept"] = (200, MEMBER)
    invited = at(smyth, api, "members", "invite", "Ada", "--role", "viewer", "--email", "a@b.c", "--days", "3")
    assert "invite_abc" in invited.out
    assert smyth("members", "accept", "invite_abc", "--url", api.url, "--token", "eyJ.a.b").code == 0
    assert json.loads(api.asked[0][3]) == {"name": "Ada", "role": "viewer", "valid_days": 3, "email": "a@b.c"}
    assert (api.asked[1][2], json.loads(api.asked[1][3])) == ("eyJ.a.b", {"code": "invite_abc"})


def test_a_refusal_is_told_in_one_line(smyth: Smyth, api: Api) -> None:
    api.answers["POST /api/keys"] = (403, {"title": "Forbidden", "detail": 'Your role "viewer" is below "owner".'})
    ran = at(smyth, api, "keys", "create", "x", "--role", "owner")
    assert (ran.code, ran.err) == (1, 'smyth: Your role "viewer" is below "owner". (HTTP 403)\n')
