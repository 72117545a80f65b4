"""Slugs: names for agents that no two agents of a tenant share."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from smyth.aws.table import key, update
from smyth.http.services import services
from smyth.platform.errors import NotFound
from tests.integration.events import Context, call, caller_context


def make(caller: Context, name: str, **options: Any) -> dict[str, Any]:
    answer = call("POST", "/api/agents/create", caller=caller, body={"name": name, "model": "Echo"}, **options)
    assert answer.status == 201, answer.content
    made: dict[str, Any] = answer.json()
    return made


def rename(caller: Context, agent: dict[str, Any], name: str) -> str:
    answer = call("PATCH", f"/api/agents/{agent['id']}", caller=caller, body={"name": name})
    assert answer.status == 200, answer.content
    return str(answer.json()["slug"])


def found(caller: Context, name: str) -> str | None:
    try:
        return services().agents.find(caller["tenant_id"], name).id
    except NotFound:
        return None


def of_an_earlier_version(caller: Context, agent: dict[str, Any], slug: str) -> None:
    """Make an agent look as versions without claims wrote it."""
    pk = f"T#{caller['tenant_id']}"
    table = services().table
    table.delete_many([key(pk, f"SLUG#{agent['slug']}")])
    table.write(
        update(key(pk, f"AGENT#{agent['id']}"), "SET #slug = :slug REMOVE #slug_claimed", {"slug": slug}),
    )


def test_a_slug_is_the_name_in_lower_case_with_dashes(caller: Context) -> None:
    assert make(caller, "  Crème & Sugar -- No. 5 ")["slug"] == "cr-me-sugar-no-5"
    assert make(caller, "你好")["slug"] == "agent"


def test_agents_of_one_name_get_numbers_and_each_is_found_by_its_own(caller: Context) -> None:
    agents = [make(caller, "Helper") for _ in range(3)]
    assert [agent["slug"] for agent in agents] == ["helper", "helper-2", "helper-3"]
    assert [found(caller, agent["slug"]) for agent in agents] == [agent["id"] for agent in agents]
    assert found(caller, "HELPER-2") == agents[1]["id"]
    assert found(caller, agents[2]["id"]) == agents[2]["id"]


def test_tenants_share_no_slugs(caller: Context) -> None:
    make(caller, "Helper")
    other = caller_context()
    assert found(other, "helper") is None
    assert make(other, "Helper")["slug"] == "helper"


def test_a_name_that_others_hold_does_not_hinder_the_same_request_from_coming_twice(caller: Context) -> None:
    first = make(caller, "Helper", headers={"Idempotency-Key": "1"})
    assert make(caller, "Helper", headers={"Idempotency-Key": "1"}) == first


def test_a_creation_that_had_come_through_before_a_crash_keeps_its_slug(caller: Context) -> None:
    from smyth.platform.agent_fields import NewAgent

    agent_id = make(caller, "Helper")["id"]
    agent, _ = services().agents.create(
        caller["tenant_id"], NewAgent(name="Helper"), by="k", limit=None, agent_id=agent_id
    )
    assert agent.slug == "helper"
    assert found(caller, "helper-2") is None


def test_a_renamed_agent_gives_its_slug_back(caller: Context) -> None:
    first = make(caller, "Helper")
    assert rename(caller, first, "Advisor") == "advisor"
    assert found(caller, "helper") is None
    assert found(caller, "advisor") == first["id"]
    assert make(caller, "Helper")["slug"] == "helper"
    assert rename(caller, first, "Helper") == "helper-2"
    assert found(caller, "advisor") is None


def test_a_change_that_is_no_new_name_keeps_the_slug(caller: Context) -> None:
    make(caller, "Helper")
    second = make(caller, "Helper")
    assert rename(caller, second, "HELPER!") == "helper-2"
    assert found(caller, "helper-2") == second["id"]


def test_a_deleted_agent_gives_its_slug_back(caller: Context) -> None:
    agent = make(caller, "Helper")
    assert call("DELETE", f"/api/agents/{agent['id']}", caller=caller).status == 204
    assert found(caller, "helper") is None
    assert make(caller, "Helper")["slug"] == "helper"


def test_side_by_side_no_two_get_one_slug(caller: Context) -> None:
    with ThreadPoolExecutor(8) as pool:
        agents = list(pool.map(lambda _: make(caller, "Helper"), range(8)))
    slugs = {agent["slug"]: agent["id"] for agent in agents}
    assert len(slugs) == 8
    assert {slug: found(caller, slug) for slug in slugs} == slugs


@pytest.mark.parametrize("how", ["listed", "looked for"])
def test_agents_of_an_earlier_version_get_slugs_of_their_own(caller: Context, how: str) -> None:
    agents = [make(caller, "Helper") for _ in range(2)]
    for agent in agents:
        of_an_earlier_version(caller, agent, "helper")
    if how == "listed":
        listed = call("GET", "/api/agents", caller=caller).json()["items"]
        slugs = {agent["slug"]: agent["id"] for agent in listed}
    else:
        assert found(caller, "helper") == agents[0]["id"]
        slugs = {"helper": agents[0]["id"], "helper-2": agents[1]["id"]}
    assert set(slugs) == {"helper", "helper-2"}
    assert {slug: found(caller, slug) for slug in slugs} == slugs


def test_an_agent_of_an_earlier_version_can_be_renamed_and_deleted(caller: Context) -> None:
    agent = make(caller, "Helper")
    of_an_earlier_version(caller, agent, "helper")
    assert rename(caller, agent, "Advisor") == "advisor"
    other = make(caller, "Helper")
    of_an_earlier_version(caller, other, "helper")
    assert call("DELETE", f"/api/agents/{other['id']}", caller=caller).status == 204
    assert found(caller, "helper") is None
