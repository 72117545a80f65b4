from __future__ import annotations

import json
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from smyth.platform.agent_fields import NewAgent
from smyth.platform.agent_records import Agent, Version
from smyth.platform.agents import Agents
from smyth.platform.errors import Conflict, Invalid, NotFound
from smyth.platform.openapi_skills import OpenAPISource, chains, fetch_spec
from smyth.platform.skills import NewSkill, add_skill
from smyth.sdk import Agent as RunningAgent

SPEC: dict[str, Any] = {
    "openapi": "3.0.1",
    "servers": [{"url": "https://api.example.com/{version}/", "variables": {"version": {"default": "v2"}}}],
    "paths": {
        "/pets/{petId}": {
            "parameters": [{"name": "petId", "in": "path", "required": True, "schema": {"type": "integer"}}],
            "get": {
                "operationId": "getPet",
                "summary": "Get a pet",
                "parameters": [
                    {"name": "full list", "in": "query", "schema": {"type": "boolean"}},
                    {"name": "X-Trace", "in": "header", "schema": {"type": "string"}},
                    {"name": "Authorization", "in": "header", "schema": {"type": "string"}},
                ],
            },
            "put": {
                "operationId": "put pet",
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}}},
            },
        },
        "/upload": {"post": {"operationId": "upload", "requestBody": {"content": {"image/png": {}}}}},
    },
    "components": {
        "schemas": {
            "Pet": {
                "type": "object",
                "required": ["name"],
                "properties": {"name": {"type": "string"}, "tags": {"type": ["array", "null"]}},
            }
        }
    },
}


class MemoryAgents:
    """One tenant's agents and documents, in memory."""

    def __init__(self) -> None:
        self.agents: dict[str, Agent] = {}
        self.bodies: dict[str, bytes] = {}

    def create(self, agent: Agent, version: Version, limit: int | None) -> Agent:
        self.agents[agent.id] = agent
        return agent

    def taken_slugs(self, tenant_id: str, stem: str) -> set[str]:
        return {agent.slug for agent in self.agents.values() if agent.slug.startswith(stem)}

    def get(self, tenant_id: str, agent_id: str, sha256: str | None = None) -> Any:
        if sha256 is not None:
            return self.bodies[sha256]
        agent = self.agents.get(agent_id)
        return agent if agent and agent.tenant_id == tenant_id else None

    def put(self, tenant_id: str, agent_id: str, sha256: str, body: bytes) -> None:
        self.bodies[sha256] = body

    def add_version(self, agent: Agent, version: Version, seen: Agent) -> bool:
        self.agents[agent.id] = agent
        return True

    def newest_first(self, tenant_id: str, after: str = "") -> Iterable[Agent]:
        raise NotImplementedError

    publish = version = versions = delete = newest_first  # type: ignore[assignment]


@pytest.fixture
def agents() -> Agents:
    store = MemoryAgents()
    return Agents(store, store)  # type: ignore[arg-type]


@pytest.fixture
def agent(agents: Agents) -> Agent:
    return agents.create("ten-1", NewAgent(name="empty"), by="key-1", limit=None)[0]


def chain(agent: Agent, **members: Any) -> NewSkill:
    asked = {
        "agent_id": agent.id,
        "name": "fingerprint",
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
    }
    return NewSkill.model_validate(asked | members)


async def added(agents: Agents, skill: NewSkill) -> RunningAgent:
    result = add_skill(agents, "ten-1", skill, by="key-1")
    return RunningAgent(agents.document(result.agent))


async def test_a_chain_of_components_answers_at_its_endpoint(agents: Agents, agent: Agent) -> None:
    result = add_skill(agents, "ten-1", chain(agent), by="key-1")
    assert result.agent.version == 2
    assert result.warnings == []
    running = RunningAgent(agents.document(result.agent))
    answer = await running.call("POST", "/api/fingerprint", body={"text": "Hello World"})
    assert answer == {"data": {"md5": "b10a8db164e0754105b7a99be72e3fe5"}}


async def test_inputs_have_types_and_defaults_and_get_skills_take_the_query(agents: Agents, agent: Agent) -> None:
    running = await added(
        agents,
        chain(
            agent,
            method="GET",
            inputs=[{"name": "text"}, {"name": "n", "type": "Integer", "required": False, "default": 3}],
            output={"md5": "digest.Hash", "n": "{{n}}"},
        ),
    )
    answer = await running.call("GET", "/api/fingerprint", query={"text": "Hello World"})
    assert answer == {"data": {"md5": "b10a8db164e0754105b7a99be72e3fe5", "n": 3}}
    assert (await running.call("GET", "/api/fingerprint", query={"text": "a", "n": "4"}))["data"]["n"] == 4


async def test_gates_choose_an_output_and_paths_reach_into_values(agents: Agents, agent: Agent) -> None:
    steps = [
        {"id": "only", "component": "JSONFilter", "settings": {"fields": "user,id"}, "inputs": {"Input": "{{order}}"}},
        {"id": "gate", "component": "LogicAND", "inputs": {"there": "only.Output.user.id"}},
    ]
    running = await added(
        agents,
        chain(
            agent,
            inputs=[{"name": "order", "type": "Object"}],
            steps=steps,
            output={"yes": "gate.Verified?", "no": "gate.Unverified?"},
        ),
    )
    call = {"order": {"user": {"id": 7}, "x": 1}}
    assert await running.call("POST", "/api/fingerprint", body=call) == {"data": {"yes": True}}
    call = {"order": {"user": {"id": 0}}}
    assert await running.call("POST", "/api/fingerprint", body=call) == {"data": {"no": True}}


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"steps": None, "output": None}, "one source"),
        ({"openapi": {"spec": {}}}, "one source"),
        ({"code": "print()"}, '"code"'),
        ({"mcp": {"url": "https://x"}, "steps": None}, '"mcp"'),
        ({"name": None}, '"name"'),
        ({"output": None}, '"output"'),
        ({"steps": [{"id": "a", "component": "Nope"}]}, 'no component "Nope"'),
        ({"steps": [{"id": "a", "component": "APIOutput"}]}, "made by itself"),
        ({"steps": [{"id": "output", "component": "FHash"}]}, "another id"),
        ({"steps": [{"id": "a", "component": "FHash"}] * 2}, "two steps"),
        ({"steps": [{"id": "a", "component": "FHash", "inputs": {"Dta": "{{text}}"}}]}, 'no input "Dta"'),
        ({"steps": [{"id": "a", "component": "FHash", "inputs": {"Data": "{{nope}}"}}]}, 'no input "nope"'),
        ({"steps": [{"id": "a", "component": "FHash", "inputs": {"Data": "text"}}]}, "names nothing"),
        ({"steps": [{"id": "a", "component": "FHash", "inputs": {"Data": "b.Hash"}}]}, "names nothing"),
        ({"output": {"x": "digest.Hsh"}}, 'no output "Hsh"'),
        ({"output": {"x": "digest"}}, "names nothing"),
    ],
)
def test_a_skill_that_cannot_work_is_refused_and_nothing_is_stored(
    agents: Agents, agent: Agent, members: dict[str, Any], words: str
) -> None:
    with pytest.raises(Invalid) as caught:
        add_skill(agents, "ten-1", chain(agent, **members), by="key-1")
    assert words in str(caught.value)
    assert agents.get("ten-1", agent.id).version == 1


async def test_a_second_skill_of_the_same_name_is_a_conflict(agents: Agents, agent: Agent) -> None:
    add_skill(agents, "ten-1", chain(agent), by="key-1")
    with pytest.raises(Conflict, match="fingerprint"):
        add_skill(agents, "ten-1", chain(agent, description="another"), by="key-1")
    running = await added(agents, chain(agent, method="GET"))
    assert "md5" in (await running.call("GET", "/api/fingerprint", query={"text": "a"}))["data"]


def test_adding_the_same_skill_again_changes_nothing(agents: Agents, agent: Agent) -> None:
    for method in ("POST", "GET", "POST", "GET"):
        result = add_skill(agents, "ten-1", chain(agent, method=method), by="key-1")
    assert result.agent.version == 3


def test_a_foreign_agent_does_not_exist(agents: Agents, agent: Agent) -> None:
    with pytest.raises(NotFound):
        add_skill(agents, "ten-2", chain(agent), by="key-1")


def test_operations_of_an_api_become_calls() -> None:
    source = OpenAPISource(operations=["getPet", "put pet"], headers={"Authorization": "Bearer {{KEY(pets)}}"})
    get, put = chains(source, SPEC, name=None)
    assert (get.name, get.description, put.name) == ("getPet", "Get a pet", "put_pet")
    assert [(one.name, one.type, one.required) for one in get.inputs] == [
        ("petId", "Integer", True),
        ("full_list", "Boolean", False),
        ("X_Trace", "Text", False),
    ]
    settings = get.steps[0].settings
    assert settings["url"] == "https://api.example.com/v2/pets/{{petId}}?full%20list={{full_list}}"
    assert json.loads(settings["headers"]) == {"Authorization": "Bearer {{KEY(pets)}}", "X-Trace": "{{X_Trace}}"}
    assert put.steps[0].settings["body"] == '{"name": "{{name}}", "tags": {{tags}}}'
    assert put.steps[0].inputs == {"petId": "{{petId}}", "name": "{{name}}", "tags": "{{tags}}?"}


def test_an_api_with_a_lock_and_no_key_is_added_with_warnings(agents: Agents, agent: Agent) -> None:
    locked = SPEC | {"security": [{"key": []}]}
    skill = NewSkill.model_validate(
        {"agent_id": agent.id, "name": "pet", "openapi": {"spec": locked, "operations": ["getPet"]}}
    )
    result = add_skill(agents, "ten-1", skill, by="key-1")
    assert [one.name for one in result.skills] == ["pet"]
    assert result.warnings[0]["code"] == "api_needs_key"


@pytest.mark.parametrize(
    ("change", "operations", "words"),
    [
        ({"openapi": "2.0"}, None, "OpenAPI 3"),
        ({"paths": []}, None, "OpenAPI 3"),
        ({"paths": {}}, None, "0 operations"),
        ({"servers": []}, ["getPet"], "names no server"),
        ({"servers": [{"url": "ftp://x/"}]}, ["getPet"], "names no server"),
        ({"servers": [{"url": "https://evil/{{KEY(openai)}}"}]}, ["getPet"], "placeholder"),
        ({}, ["nope"], 'no operation "nope"'),
        ({}, ["upload"], "no JSON body"),
        ({"components": {}}, ["put pet"], "leads to nothing"),
        ({"components": {"schemas": {"Pet": {"$ref": "#/components/schemas/Pet"}}}}, ["put pet"], "circle"),
        ({"components": {"schemas": {"Pet": {"$ref": "https://x/y"}}}}, ["put pet"], "out of the document"),
    ],
)
def test_an_api_that_cannot_be_taken_is_refused(change: Any, operations: list[str] | None, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        chains(OpenAPISource(operations=operations), SPEC | change, name=None)


@pytest.mark.parametrize("place", ["name", "default", "property"])
def test_a_foreign_document_cannot_bring_placeholders(place: str) -> None:
    trap = "{{KEY(openai)}}"
    parameter = {"name": trap if place == "name" else "q", "in": "query", "schema": {"type": "string"}}
    if place == "default":
        parameter["schema"] = {"type": "string", "default": [trap]}
    schema = {"properties": {trap if place == "property" else "p": {"type": "string"}}}
    body = {"content": {"application/json": {"schema": schema}}}
    operation = {"operationId": "op", "parameters": [parameter], "requestBody": body}
    with pytest.raises(Invalid, match="placeholder"):
        chains(OpenAPISource(), SPEC | {"paths": {"/x": {"post": operation}}}, name=None)


def test_too_many_operations_ask_for_a_choice() -> None:
    many = {f"/p{number}": {"get": {}} for number in range(51)}
    with pytest.raises(Invalid, match="51 operations"):
        chains(OpenAPISource(), SPEC | {"paths": many}, name=None)


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        pages = {"/spec": (200, json.dumps(SPEC)), "/text": (200, "hello"), "/huge": (200, "x" * 5_300_000)}
        status, text = pages.get(self.path, (404, "no"))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def site() -> Iterable[str]:
    with HTTPServer(("127.0.0.1", 0), _Page) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


async def test_a_spec_is_fetched_where_private_addresses_are_allowed(site: str) -> None:
    assert await fetch_spec(f"{site}/spec", allow_private=True) == SPEC
    for path, words in (("/text", "JSON object"), ("/huge", "larger than 5,242,880"), ("/nope", "HTTP 404")):
        with pytest.raises(Invalid, match=words):
            await fetch_spec(site + path, allow_private=True)


@pytest.mark.parametrize("url", ["http://example.com/", "https://127.0.0.1/", "https://169.254.169.254/", "nonsense"])
async def test_a_spec_is_never_fetched_from_inside_the_cloud(url: str) -> None:
    with pytest.raises(Invalid, match=r"openapi\.url"):
        await fetch_spec(url)
