"""Agents through their functions: made, listed, changed, published, deleted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.integration.events import Context, call, caller_context
from tests.integration.hash_agents import (
    HASH_AGENT,
    dangling,
    import_agent,
    objects_of,
    problem,
    run_hash,
    variant,
)


class TestCreate:
    def test_an_agent_of_fields_holds_them_in_its_document(self, caller: Context) -> None:
        body = {"name": "A", "behavior": "b", "model": "Echo", "variables": {"city": "Bern"}}
        answer = call("POST", "/api/agents/create", caller=caller, body=body)
        assert (answer.status, answer.json()["version"]) == (201, 1)
        read = call("GET", f"/api/agents/{answer.json()['id']}", caller=caller).json()
        assert (read["behavior"], read["model"], read["variables"]) == ("b", "Echo", {"city": "Bern"})

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"name": ""},
            {"name": "x", "components": "no"},
            {"name": "x", "variables": {"n": 1}},
            {"name": "x", "cat": 1},
        ],
    )
    def test_fields_that_make_no_sense_are_refused(self, body: dict[str, Any], caller: Context) -> None:
        assert problem(call("POST", "/api/agents/create", caller=caller, body=body), 422)["errors"]
        assert objects_of(caller) == []

    def test_a_body_that_is_not_json_is_refused(self, caller: Context) -> None:
        json_type = {"Content-Type": "application/json"}
        problem(call("POST", "/api/agents/create", caller=caller, body="{", headers=json_type), 400)
        told = problem(call("POST", "/api/agents/create", caller=caller, body="name=x"), 422)
        assert "application/json" in told["detail"]

    def test_the_plans_number_of_agents_is_exact_under_a_race(self) -> None:
        caller = caller_context(plan="basic", limits={"agents": 3})

        def create(number: int) -> int:
            return call("POST", "/api/agents/create", caller=caller, body={"name": f"a{number}"}).status

        create(0)
        with ThreadPoolExecutor(12) as pool:
            statuses = list(pool.map(create, range(12)))
        assert (statuses.count(201), statuses.count(403)) == (2, 10)
        agents = call("GET", "/api/agents", caller=caller).json()["items"]
        assert len(agents) == 3
        assert call("DELETE", f"/api/agents/{agents[0]['id']}", caller=caller).status == 204
        assert create(13) == 201


class TestList:
    def test_agents_come_newest_first_in_pages(self, caller: Context) -> None:
        made = [import_agent(caller, variant(name=f"n{number}"))["id"] for number in range(5)]
        seen: list[str] = []
        cursor = ""
        for _ in range(3):
            page = call("GET", f"/api/agents?limit=2&cursor={cursor}", caller=caller).json()
            seen += [agent["id"] for agent in page["items"]]
            cursor = page["next_cursor"] or ""
        assert (seen, cursor) == (made[::-1], "")

    def test_a_search_looks_into_names_and_descriptions(self, caller: Context) -> None:
        import_agent(caller, variant(name="Weather"))
        import_agent(caller, variant(name="Other", description="tells the WEATHER"))
        import_agent(caller, variant(name="Third", description="no"))
        names = [agent["name"] for agent in call("GET", "/api/agents?q=weather", caller=caller).json()["items"]]
        assert names == ["Other", "Weather"]

    @pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "cursor=zzz", "cursor=%00"])
    def test_bad_pages_are_refused(self, query: str, caller: Context) -> None:
        problem(call("GET", f"/api/agents?{query}", caller=caller), 422)


class TestChanges:
    def test_fields_change_the_document_as_a_new_version(self, caller: Context) -> None:
        agent = import_agent(caller)
        path = f"/api/agents/{agent['id']}"
        answer = call("PATCH", path, caller=caller, body={"behavior": "new", "variables": {"a": "b"}})
        assert (answer.status, answer.json()["version"]) == (200, 2)
        exported = call("GET", f"{path}/export", caller=caller).json()
        assert exported == variant(behavior="new", variables={"a": "b"})
        assert call("GET", f"{path}/export?version=1", caller=caller).json() == HASH_AGENT

    def test_the_same_again_makes_no_version(self, caller: Context) -> None:
        agent = import_agent(caller)
        answer = call("PATCH", f"/api/agents/{agent['id']}", caller=caller, body={"name": "Hasher"})
        assert answer.json()["version"] == 1

    def test_a_bad_document_changes_nothing(self, caller: Context) -> None:
        agent = import_agent(caller)
        path = f"/api/agents/{agent['id']}"
        problem(call("PATCH", path, caller=caller, body={"document": dangling()}), 422)
        assert call("GET", path, caller=caller).json()["version"] == 1
        assert len(objects_of(caller)) == 1

    def test_an_old_documents_prompt_survives_a_new_description(self, caller: Context) -> None:
        document = variant()
        del document["behavior"]
        agent = import_agent(caller, document)
        path = f"/api/agents/{agent['id']}"
        call("PATCH", path, caller=caller, body={"description": "for people"})
        assert call("GET", path, caller=caller).json()["behavior"] == "Hashes what it is given."

    def test_concurrent_changes_are_all_kept(self, caller: Context) -> None:
        path = f"/api/agents/{import_agent(caller)['id']}"
        changes: list[dict[str, Any]] = [{"name": "N"}, {"behavior": "B"}, {"model": "Echo"}]
        with ThreadPoolExecutor(3) as pool:
            statuses = list(pool.map(lambda body: call("PATCH", path, caller=caller, body=body).status, changes))
        read = call("GET", path, caller=caller).json()
        assert statuses == [200, 200, 200]
        assert (read["name"], read["behavior"], read["model"], read["version"]) == ("N", "B", "Echo", 4)

    def test_callers_get_the_published_version(self, caller: Context) -> None:
        path = f"/api/agents/{import_agent(caller)['id']}"
        assert call("POST", f"{path}/publish", caller=caller).json()["published_version"] == 1
        other = variant()
        other["components"][1]["data"]["algorithm"] = "sha1"
        call("PATCH", path, caller=caller, body={"document": other})
        assert run_hash(path, caller) == "b10a8db164e0754105b7a99be72e3fe5"
        call("POST", f"{path}/publish", caller=caller, body={"version": 2})
        assert run_hash(path, caller) == "0a4d55a8d778e5022fab701977c5d840bbc486d0"
        problem(call("POST", f"{path}/publish", caller=caller, body={"version": 9}), 404)

    def test_versions_are_listed_newest_first(self, caller: Context) -> None:
        path = f"/api/agents/{import_agent(caller)['id']}"
        for number in range(3):
            call("PATCH", path, caller=caller, body={"behavior": str(number)})
        first = call("GET", f"{path}/versions?limit=3", caller=caller).json()
        rest = call("GET", f"{path}/versions?cursor={first['next_cursor']}", caller=caller).json()
        assert [item["version"] for item in first["items"] + rest["items"]] == [4, 3, 2, 1]

    def test_a_deleted_agent_is_gone_with_its_documents(self, caller: Context) -> None:
        path = f"/api/agents/{import_agent(caller)['id']}"
        call("PATCH", path, caller=caller, body={"behavior": "x"})
        assert call("DELETE", path, caller=caller).status == 204
        problem(call("DELETE", path, caller=caller), 404)
        problem(call("GET", f"{path}/export", caller=caller), 404)
        assert objects_of(caller) == []
