from __future__ import annotations

from typing import Any

import pytest

from tests.integration.events import Context, call, caller_context


def skill(agent_id: str, **members: Any) -> dict[str, Any]:
    return {
        "agent_id": agent_id,
        "name": "fingerprint",
        "description": "Returns the MD5 digest of a text.",
        "inputs": [{"name": "text", "description": "The text."}],
        "steps": [
            {
                "id": "digest",
                "component": "FHash",
                "settings": {"algorithm": "md5", "encoding": "hex"},
                "inputs": {"Data": "{{text}}"},
            }
        ],
        "output": {"md5": "digest.Hash"},
    } | members


@pytest.fixture
def agent_id(caller: Context) -> str:
    answer = call("POST", "/api/agents/create", body={"name": "helper"}, caller=caller)
    assert answer.status == 201
    return str(answer.json()["id"])


def test_an_added_skill_can_be_run(caller: Context, agent_id: str) -> None:
    answer = call("POST", "/api/skills/add", body=skill(agent_id), caller=caller)
    assert answer.status == 201
    assert answer.json() == {
        "agent_id": agent_id,
        "version": 2,
        "skills": [
            {
                "name": "fingerprint",
                "method": "POST",
                "description": "Returns the MD5 digest of a text.",
                "path": f"/api/agents/{agent_id}/run/fingerprint",
            }
        ],
        "warnings": [],
    }
    run = call("POST", answer.json()["skills"][0]["path"], body={"text": "Hello World"}, caller=caller)
    assert run.json() == {"md5": "b10a8db164e0754105b7a99be72e3fe5"}


def test_a_repeated_request_adds_the_skill_once(caller: Context, agent_id: str) -> None:
    headers = {"Idempotency-Key": "once"}
    first = call("POST", "/api/skills/add", body=skill(agent_id), caller=caller, headers=headers)
    second = call("POST", "/api/skills/add", body=skill(agent_id), caller=caller, headers=headers)
    assert (first.status, first.json()) == (second.status, second.json())
    assert call("GET", f"/api/agents/{agent_id}", caller=caller).json()["version"] == 2


def test_an_api_becomes_a_skill_with_an_honest_warning(caller: Context, agent_id: str) -> None:
    spec = {
        "openapi": "3.0.1",
        "servers": [{"url": "https://api.example.com"}],
        "paths": {"/time": {"get": {"operationId": "time", "summary": "The time."}}},
    }
    asked = {"agent_id": agent_id, "openapi": {"spec": spec}}
    answer = call("POST", "/api/skills/add", body=asked, caller=caller)
    assert answer.status == 201
    assert [one["name"] for one in answer.json()["skills"]] == ["time"]
    document = call("GET", f"/api/agents/{agent_id}/export", caller=caller).json()
    assert [component["name"] for component in document["components"]] == ["APIEndpoint", "APICall", "APIOutput"]


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"code": "return 1", "steps": None, "output": None}, 422, 'Give "steps"'),
        ({"mcp": {}, "steps": None, "output": None}, 422, 'Give "steps"'),
        ({"steps": [{"id": "a", "component": "Nope"}]}, 422, "Nope"),
        ({"name": "../evil"}, 422, "name"),
        ({"surprise": 1}, 422, "surprise"),
        ({"agent_id": "agt-00000000000000000000000000"}, 404, "no agent"),
        ({"agent_id": "../../t/other"}, 404, "no agent"),
    ],
)
def test_bad_skills_are_refused_and_nothing_is_written(
    caller: Context, agent_id: str, change: dict[str, Any], status: int, words: str
) -> None:
    answer = call("POST", "/api/skills/add", body=skill(agent_id) | change, caller=caller)
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in answer.json()["detail"]
    assert call("GET", f"/api/agents/{agent_id}", caller=caller).json()["version"] == 1


def test_a_foreign_tenant_and_a_key_for_other_agents_are_refused(caller: Context, agent_id: str) -> None:
    assert call("POST", "/api/skills/add", body=skill(agent_id), caller=caller_context()).status == 404
    limited = caller_context(caller["tenant_id"], agents=["agt-other"])
    assert call("POST", "/api/skills/add", body=skill(agent_id), caller=limited).status == 403
    viewer = caller_context(caller["tenant_id"], role="viewer")
    assert call("POST", "/api/skills/add", body=skill(agent_id), caller=viewer).status == 403
