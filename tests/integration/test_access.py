"""Who in a tenant may do what with an agent: owners share, others are denied, and nobody loses what the team had."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.events import Context, call
from tests.integration.hash_agents import import_agent, problem
from tests.integration.talkers import talker


def developer(caller: Context, key_id: str) -> Context:
    return caller | {"role": "developer", "key_id": key_id}


@pytest.fixture
def ann(caller: Context) -> Context:
    return developer(caller, "key-ann")


@pytest.fixture
def ben(caller: Context) -> Context:
    return developer(caller, "key-ben")


def share(who: Context, agent: str, access: dict[str, Any]) -> Any:
    return call("PATCH", f"/api/agents/{agent}", caller=who, body={"access": access})


def may(who: Context, agent: str) -> set[str]:
    """What somebody may do with an agent, found by trying; the publication and the rename do no harm."""
    path = f"/api/agents/{agent}"
    answers = {
        "read": call("GET", path, caller=who),
        "export": call("GET", f"{path}/export", caller=who),
        "prompt": call("POST", f"{path}/prompt", caller=who, body={"message": "x"}),
        "write": call("PATCH", path, caller=who, body={"model": "Echo"}),
        "publish": call("POST", f"{path}/publish", caller=who, body={}),
    }
    assert {answer.status for answer in answers.values()} <= {200, 403}
    return {name for name, answer in answers.items() if answer.status == 200}


READS, WRITES = {"read", "export", "prompt"}, {"write", "publish"}


def test_an_agent_without_access_is_the_teams(ann: Context, ben: Context) -> None:
    agent = import_agent(ann)
    assert agent["access"] == {"team": ["owner"]}
    assert call("DELETE", f"/api/agents/{agent['id']}", caller=ben).status == 204


def test_an_agent_that_is_made_with_access_is_its_makers(ann: Context, ben: Context) -> None:
    body = {"name": "Mine", "model": "Echo", "access": {}}
    made = call("POST", "/api/agents/create", caller=ann, body=body).json()
    assert made["access"] == {"user:key-ann": ["owner"]}
    assert may(ann, made["id"]) == READS | WRITES
    assert may(ben, made["id"]) == set()
    assert made["id"] not in [one["id"] for one in call("GET", "/api/agents", caller=ben).json()["items"]]
    assert call("GET", f"/v1/models/{made['slug']}", caller=ben, function="openai_api").status == 404
    problem(call("DELETE", f"/api/agents/{made['id']}", caller=ben), 403)
    assert call("DELETE", f"/api/agents/{made['id']}", caller=ann).status == 204


@pytest.mark.parametrize(
    ("access", "expected"),
    [
        ({"user:key-ben": ["read"]}, READS),
        ({"user:key-ben": ["write"]}, WRITES),
        ({"user:key-ben": ["none"]}, set()),
        ({"user:key-ben": ["owner"]}, READS | WRITES),
        ({"team": ["read"]}, READS),
        ({"public": ["read"]}, READS),
        ({"team": ["read"], "user:key-ben": ["write"]}, READS | WRITES),
        ({"user:key-eve": ["owner"], "agent:key-ben": ["owner"]}, set()),
    ],
)
def test_levels_open_what_they_name_and_nothing_else(
    access: dict[str, Any], expected: set[str], ann: Context, ben: Context
) -> None:
    agent = talker(ann)
    assert share(ann, agent, access | {"user:key-ann": ["owner"]}).status == 200
    assert may(ben, agent) == expected


def test_only_owners_share_and_delete(ann: Context, ben: Context) -> None:
    agent = talker(ann)
    share(ann, agent, {"user:key-ann": ["owner"], "user:key-ben": ["read", "write"]})
    denied = problem(share(ben, agent, {"user:key-ben": ["owner"]}), 403)
    assert denied["detail"].startswith("Access Denied: user:key-ben has no owner access")
    assert "user:key-ann" in denied["detail"]
    problem(call("DELETE", f"/api/agents/{agent}", caller=ben), 403)
    assert call("GET", f"/api/agents/{agent}", caller=ann).json()["access"]["user:key-ann"] == ["owner"]


def test_admins_reach_what_a_key_left_behind(caller: Context, ann: Context) -> None:
    agent = talker(ann)
    share(ann, agent, {"user:key-ann": ["owner"]})
    admin = caller | {"role": "admin", "key_id": "key-admin"}
    assert share(admin, agent, {"team": ["owner"]}).status == 200


def test_conversations_are_as_open_as_their_agent(ann: Context, ben: Context) -> None:
    agent = talker(ann)
    talk = call("POST", f"/api/agents/{agent}/chat", caller=ann, body={"message": "x"}).json()["conversation_id"]
    share(ann, agent, {"user:key-ann": ["owner"]})
    path = f"/api/agents/{agent}/conversations"
    for method, at in [("GET", path), ("GET", f"{path}/{talk}"), ("DELETE", f"{path}/{talk}")]:
        problem(call(method, at, caller=ben), 403)
    assert call("GET", f"{path}/{talk}", caller=ann).status == 200


def test_a_repeated_request_is_the_askers_own(ann: Context, ben: Context) -> None:
    """Else whoever knows key and body would be told what an agent answered that is closed to them."""
    agent = talker(ann)
    share(ann, agent, {"user:key-ann": ["owner"]})
    asked: dict[str, Any] = {"caller": ann, "body": {"message": "x"}, "headers": {"Idempotency-Key": "once"}}
    first = call("POST", f"/api/agents/{agent}/prompt", **asked)
    assert first.status == 200
    assert call("POST", f"/api/agents/{agent}/prompt", **asked).json() == first.json()
    problem(call("POST", f"/api/agents/{agent}/prompt", **asked | {"caller": ben}), 422)


@pytest.mark.parametrize(
    "body",
    [
        {"access": {}},
        {"access": {"team": ["read"]}},
        {"access": {"public": ["owner"]}},
        {"access": {"user:x": ["all"]}},
        {"access": {"team": ["owner"]}, "name": "New"},
    ],
)
def test_access_that_cannot_be_is_refused_and_changes_nothing(body: dict[str, Any], ann: Context) -> None:
    agent = talker(ann)
    before = call("GET", f"/api/agents/{agent}", caller=ann).json()
    problem(call("PATCH", f"/api/agents/{agent}", caller=ann, body=body), 422)
    assert call("GET", f"/api/agents/{agent}", caller=ann).json() == before


def test_sharing_makes_no_version_and_changes_keep_what_is_shared(ann: Context) -> None:
    agent = talker(ann)
    access = {"user:key-ann": ["owner"], "team": ["read"]}
    shared = share(ann, agent, access).json()
    assert (shared["version"], shared["access"]) == (1, access)
    changed = call("PATCH", f"/api/agents/{agent}", caller=ann, body={"name": "New"}).json()
    assert (changed["version"], changed["access"]) == (2, access)
