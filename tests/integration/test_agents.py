"""Agents through their functions: made, read, changed, run, exported, deleted."""

from __future__ import annotations

import copy
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from smyth.http.app import logger
from smyth.http.services import services
from smyth.http.settings import settings
from tests.integration.events import Answer, Context, call, caller_context, new_tenant_id

SAMPLES = Path(__file__).resolve().parents[2] / "../shared/samples"

HASH_AGENT: dict[str, Any] = {
    "version": "1.0.0",
    "name": "Hasher",
    "description": "Hashes what it is given.",
    "behavior": "Be brief.",
    "components": [
        {
            "id": "E",
            "name": "APIEndpoint",
            "data": {"endpoint": "hash", "method": "POST"},
            "inputs": [{"name": "data", "type": "Text", "index": 0}],
            "outputs": [
                {"name": "headers", "default": True, "index": 0},
                {"name": "body", "default": True, "index": 1},
                {"name": "query", "default": True, "index": 2},
                {"name": "body.data", "index": 3},
            ],
        },
        {
            "id": "H",
            "name": "FHash",
            "data": {"algorithm": "md5", "encoding": "hex"},
            "inputs": [{"name": "Data", "type": "Any", "default": True, "index": 0}],
            "outputs": [{"name": "Hash", "default": True, "index": 0}],
        },
    ],
    "connections": [{"sourceId": "E", "sourceIndex": 3, "targetId": "H", "targetIndex": 0}],
}


def variant(**members: Any) -> dict[str, Any]:
    return copy.deepcopy(HASH_AGENT) | members


def forget_settings() -> None:
    settings.cache_clear()
    services.cache_clear()


def import_agent(caller: Context, document: Any = HASH_AGENT, **options: Any) -> dict[str, Any]:
    answer = call("POST", "/api/agents/import", caller=caller, body=document, **options)
    assert answer.status == 201, answer.content
    made: dict[str, Any] = answer.json()
    return made


def multipart(name: str, content: bytes, field: str = "file") -> tuple[bytes, dict[str, str]]:
    head = f'--b\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'.encode()
    return head + content + b"\r\n--b--\r\n", {"Content-Type": "multipart/form-data; boundary=b"}


def objects_of(caller: Context) -> list[str]:
    return services().bucket.keys(f"t/{caller['tenant_id']}/")


def problem(answer: Answer, status: int) -> dict[str, Any]:
    assert answer.status == status, answer.content
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "detail", "instance", "request_id"} <= told.keys()
    assert told["request_id"] == answer.headers["x-request-id"]
    return told


class TestImportAndExport:
    def test_an_export_is_the_import(self, caller: Context) -> None:
        document = variant(ui={"z": 1, "a": [1.0, 1e300, "\ud83d\ude00 é \u2028"]}, strange={"b": None, "a": 2})
        agent = import_agent(caller, document)
        exported = call("GET", f"/api/agents/{agent['id']}/export", caller=caller)
        assert json.dumps(exported.json()) == json.dumps(document)

    @pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples lie beside the checkout only in development")
    def test_every_sample_comes_back_as_it_went_in(self, caller: Context) -> None:
        samples = sorted(SAMPLES.glob("*.smyth"))
        assert samples
        for sample in samples:
            agent = import_agent(caller, sample.read_bytes(), headers={"Content-Type": "application/json"})
            exported = call("GET", f"/api/agents/{agent['id']}/export", caller=caller)
            assert json.dumps(exported.json()) == json.dumps(json.loads(sample.read_bytes())), sample.name

    def test_a_file_may_come_as_a_form_and_names_an_agent_without_name(self, caller: Context) -> None:
        document = variant()
        del document["name"]
        body, headers = multipart("order-totals.smyth", json.dumps(document).encode())
        agent = import_agent(caller, body, headers=headers)
        assert agent["name"] == "order-totals"
        assert call("GET", f"/api/agents/{agent['id']}/export", caller=caller).json() == document

    def test_a_repeated_import_under_one_key_makes_one_agent(self, caller: Context) -> None:
        headers = {"Idempotency-Key": "import-1"}
        first = import_agent(caller, headers=headers)
        assert import_agent(caller, headers=headers) == first
        assert len(call("GET", "/api/agents", caller=caller).json()["items"]) == 1


def dangling() -> dict[str, Any]:
    document = variant()
    document["connections"][0]["targetId"] = "nowhere"
    return document


def cyclic() -> dict[str, Any]:
    document = variant()
    document["components"][1]["inputs"][0]["optional"] = False
    document["components"].append(document["components"][1] | {"id": "I"})
    document["connections"] = [
        {"sourceId": "H", "sourceIndex": 0, "targetId": "I", "targetIndex": 0},
        {"sourceId": "I", "sourceIndex": 0, "targetId": "H", "targetIndex": 0},
    ]
    return document


def nested(depth: int) -> str:
    return '{"components":[],"connections":[],"x":' + "[" * depth + "]" * depth + "}"


BAD_DOCUMENTS: dict[str, tuple[Any, int]] = {
    "not json": ("{nope", 422),
    "empty": ("", 422),
    "not utf-8": (b"\xff\xfe\x00", 422),
    "a list": ("[]", 422),
    "no components": ({"name": "x"}, 422),
    "unknown component": (variant(components=[{"id": "X", "name": "NoSuchThing", "data": {}}], connections=[]), 422),
    "dangling connection": (dangling(), 422),
    "cycle": (cyclic(), 422),
    "components of a wrong type": (variant(components={"a": 1}), 422),
    "deep": (nested(500), 422),
    "deeper": (nested(100_000), 422),
    "a huge number": ('{"components":[],"connections":[],"x":1e999}', 422),
    "half a character": ('{"components":[],"connections":[],"x":"\\ud800"}', 422),
    "over 5 MB": (json.dumps(variant(ui="x" * 5_300_000)), 413),
    "30 MB": (b"x" * 30_000_000, 413),
}


@pytest.mark.parametrize("name", BAD_DOCUMENTS)
def test_a_bad_document_is_refused_and_nothing_is_written(name: str, caller: Context) -> None:
    body, status = BAD_DOCUMENTS[name]
    told = problem(call("POST", "/api/agents/import", caller=caller, body=body), status)
    assert len(told["detail"]) > 20
    assert call("GET", "/api/agents", caller=caller).json() == {"items": [], "next_cursor": None}
    assert objects_of(caller) == []


def test_errors_name_component_port_and_connection(caller: Context) -> None:
    document = dangling()
    document["connections"].append({"sourceId": "E", "sourceIndex": "no_port", "targetId": "H", "targetIndex": 0})
    told = problem(call("POST", "/api/agents/import", caller=caller, body=document), 422)
    assert [error["connection"] for error in told["errors"]] == [0, 1]
    assert "nowhere" in told["errors"][0]["message"]
    assert told["errors"][1]["component_id"] == "E"


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


def run_hash(path: str, caller: Context) -> str:
    answer = call("POST", f"{path}/run/hash", caller=caller, body={"data": "Hello World"})
    assert answer.status == 200, answer.content
    hashed: str = answer.json()["result"]["Hash"]
    return hashed


class TestOtherTenants:
    @pytest.mark.parametrize(
        ("method", "end"),
        [
            ("GET", ""),
            ("PATCH", ""),
            ("DELETE", ""),
            ("GET", "/export"),
            ("GET", "/versions"),
            ("POST", "/run/hash"),
            ("POST", "/publish"),
        ],
    )
    def test_a_foreign_agent_is_as_unknown_as_none(self, method: str, end: str, caller: Context) -> None:
        agent = import_agent(caller)
        stranger = caller_context(new_tenant_id())
        body = {} if method in ("PATCH", "POST") else None
        foreign = problem(call(method, f"/api/agents/{agent['id']}{end}", caller=stranger, body=body), 404)
        missing = problem(call(method, f"/api/agents/agt-{'0' * 26}{end}", caller=stranger, body=body), 404)
        assert foreign["detail"].replace(agent["id"], "") == missing["detail"].replace(f"agt-{'0' * 26}", "")

    @pytest.mark.parametrize("trick", ["..", "%2e%2e", "agt-..%2f..", "agt-%00", "AGENTS", "agt-" + "a" * 300])
    def test_ids_that_try_tricks_are_unknown(self, trick: str, caller: Context) -> None:
        problem(call("GET", f"/api/agents/{trick}", caller=caller, function="get_agent"), 404)


class TestRoles:
    def test_a_viewer_reads_and_nothing_else(self, caller: Context) -> None:
        agent = import_agent(caller)
        viewer = caller | {"role": "viewer"}
        assert call("GET", f"/api/agents/{agent['id']}", caller=viewer).status == 200
        problem(call("POST", "/api/agents/import", caller=viewer, body=HASH_AGENT), 403)
        problem(call("POST", f"/api/agents/{agent['id']}/run/hash", caller=viewer, body={}), 403)

    def test_a_key_limited_to_an_agent_reaches_that_one_only(self, caller: Context) -> None:
        mine, other = import_agent(caller)["id"], import_agent(caller)["id"]
        limited = caller | {"agents": json.dumps([mine])}
        assert [agent["id"] for agent in call("GET", "/api/agents", caller=limited).json()["items"]] == [mine]
        assert call("GET", f"/api/agents/{mine}", caller=limited).status == 200
        problem(call("GET", f"/api/agents/{other}", caller=limited), 403)
        problem(call("POST", "/api/agents/create", caller=limited, body={"name": "x"}), 403)

    def test_a_key_limited_to_routes_reaches_those_only(self, caller: Context) -> None:
        agent = import_agent(caller)["id"]
        limited = caller | {"routes": json.dumps(["GET /api/agents/{agent_id}"])}
        assert call("GET", f"/api/agents/{agent}", caller=limited).status == 200
        problem(call("GET", "/api/agents", caller=limited), 403)

    def test_a_request_past_the_authorizer_is_unauthorized(self) -> None:
        problem(call("GET", "/api/agents"), 401)


class TestRun:
    def test_an_endpoint_answers_what_the_original_does(self, caller: Context) -> None:
        path = f"/api/agents/{import_agent(caller)['id']}"
        answer = call("POST", f"{path}/run/hash", caller=caller, body={"data": "Hello World"})
        assert answer.json()["result"] == {"Hash": "b10a8db164e0754105b7a99be72e3fe5"}
        assert answer.headers["x-usage-cost"] == "0.000000"
        assert answer.headers["x-usage-requests-remaining"] == "unlimited"

    def test_an_unknown_endpoint_is_told_with_the_known_ones(self, caller: Context) -> None:
        path = f"/api/agents/{import_agent(caller)['id']}"
        assert "POST hash" in problem(call("POST", f"{path}/run/nope", caller=caller, body={}), 404)["detail"]
        assert "POST hash" in problem(call("GET", f"{path}/run/hash", caller=caller), 404)["detail"]

    @pytest.mark.parametrize(
        ("body", "status"), [("{", 400), ("[1]", 422), ('"x"', 422), (nested(200), 422), ("[" * 99_999, 422)]
    )
    def test_bad_inputs_are_refused_and_not_billed(self, body: str, status: int) -> None:
        caller = caller_context(plan="basic")
        path = f"/api/agents/{import_agent(caller)['id']}"
        problem(call("POST", f"{path}/run/hash", caller=caller, body=body), status)
        assert call("GET", "/api/usage", caller=caller).json()["requests"]["used"] == 0

    def test_odd_text_comes_back_as_json(self, caller: Context) -> None:
        path = f"/api/agents/{import_agent(caller, variant(connections=[]))['id']}"
        answer = call("POST", f"{path}/run/hash", caller=caller, body='{"data": "\\ud800", "big": 1e999}')
        assert answer.status == 200
        assert answer.json()["result"]["body"] == {"data": "\ud800", "big": None}

    def test_each_component_is_told_in_the_log(self, caller: Context, caplog: pytest.LogCaptureFixture) -> None:
        agent = import_agent(caller)
        with caplog.at_level("INFO", logger=logger.name):
            run_hash(f"/api/agents/{agent['id']}", caller)
        told = [vars(record) for record in caplog.records if record.getMessage() == "component"]
        assert [line["component"] for line in told] == ["APIEndpoint", "FHash"]
        assert {(line["tenant_id"], line["agent_id"]) for line in told} == {(caller["tenant_id"], agent["id"])}
        assert all(line["ms"] >= 0 for line in told)

    def test_a_run_past_the_limits_of_stack_or_plan_says_which(self, monkeypatch: pytest.MonkeyPatch) -> None:
        basic, pro = caller_context(plan="basic"), caller_context(plan="pro")
        paths = {caller["plan"]: f"/api/agents/{import_agent(caller)['id']}/run/hash" for caller in (basic, pro)}
        monkeypatch.setenv("SMYTH_LIMITS", json.dumps({"output_bytes": 1_000}))
        monkeypatch.setenv("SMYTH_PLANS", json.dumps({"basic": {"run_limits": {"components": 1}}}))
        forget_settings()
        try:
            told = problem(call("POST", paths["basic"], caller=basic, body={"data": "x"}), 422)
            assert told["type"].endswith("run_ended")
            assert 'raise the limit "components" for all or for your plan' in told["detail"]
            assert call("POST", paths["pro"], caller=pro, body={"data": "x"}).status == 200
            told = problem(call("POST", paths["pro"], caller=pro, body={"data": "x" * 2_000}), 422)
            assert 'raise the limit "output_bytes"' in told["detail"]
        finally:
            monkeypatch.undo()
            forget_settings()

    def test_the_callers_key_is_not_shown_to_the_agent(self, caller: Context) -> None:
        document = variant(connections=[])
        path = f"/api/agents/{import_agent(caller, document)['id']}"
        headers = {"Authorization": "Bearer smyth_secret", "X-Api-Key": "smyth_secret", "X-Mine": "yes"}
        answer = call("POST", f"{path}/run/hash", caller=caller, body={"data": 1}, headers=headers)
        assert "smyth_secret" not in answer.content.decode()
        assert "x-mine" in answer.content.decode().lower()
