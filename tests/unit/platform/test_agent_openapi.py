"""The OpenAPI document of one agent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from openapi_spec_validator import validate

from smyth.connectors.openapi.spec import base_url, operations
from smyth.platform.agent_openapi import agent_openapi
from smyth.platform.agent_records import Agent
from tests.unit.conversation.agents import agent, answering

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HELPER = Agent(
    id="agt-1",
    tenant_id="ten-1",
    name="Helper",
    slug="helper",
    description="Helps.",
    version=3,
    sha256="",
    created_at=NOW,
    updated_at=NOW,
)
SERVER = "https://api.example.com/v1"


def document_of(*skills: dict[str, Any], server: str = SERVER, for_gpt: bool = False) -> dict[str, Any]:
    made = agent_openapi(HELPER, agent(*skills).document, server=server, version=2, for_gpt=for_gpt)
    validate(made)
    return made


def operation_of(skill: dict[str, Any], **options: Any) -> dict[str, Any]:
    ((item,),) = [document["paths"].values() for document in [document_of(skill, **options)]]
    ((operation,),) = [item.values()]
    found: dict[str, Any] = operation
    return found


def test_it_says_where_and_how_to_ask() -> None:
    document = document_of(answering("greet", {"name": "who"}), answering("look", method="GET"))
    assert document["openapi"] == "3.1.0"
    assert document["info"] == {"title": "Helper", "description": "Helps.", "version": "2"}
    assert base_url(document, None) == SERVER
    assert document["security"] == [{"bearer": []}]
    assert document["components"]["securitySchemes"]["bearer"] == {"type": "http", "scheme": "bearer"}
    found = [(one.id, one.method, one.path) for one in operations(document)]
    assert found == [("greet", "POST", "/api/agents/agt-1/run/greet"), ("look", "GET", "/api/agents/agt-1/run/look")]


def test_inputs_of_a_post_are_its_body() -> None:
    operation = operation_of(
        answering(
            "greet",
            {"name": "who", "description": "Whom."},
            {"name": "n", "type": "Number", "optional": True, "defaultVal": "3"},
            {"name": "more", "type": "Object", "optional": True},
        )
    )
    body = operation["requestBody"]
    assert body["required"] is True
    assert body["content"]["application/json"]["schema"] == {
        "type": "object",
        "required": ["who"],
        "properties": {
            "who": {"type": "string", "description": "Whom."},
            "n": {"type": "number", "default": 3},
            "more": {"type": "object", "additionalProperties": {}, "properties": {}},
        },
    }
    assert "parameters" not in operation


def test_inputs_of_a_get_are_its_query() -> None:
    operation = operation_of(
        answering("look", {"name": "q"}, {"name": "list", "type": "Array", "optional": True}, method="GET")
    )
    assert "requestBody" not in operation
    query, listed = operation["parameters"]
    assert query == {"name": "q", "in": "query", "required": True, "schema": {"type": "string"}}
    assert (listed["required"], listed["schema"]["type"]) == (False, "string")
    assert "JSON" in listed["description"]


def test_a_skill_without_inputs_takes_no_body() -> None:
    operation = operation_of(answering("go"))
    assert not {"requestBody", "parameters"} & operation.keys()
    assert operation["summary"] == "go"


def test_a_default_that_is_a_template_is_left_out() -> None:
    skill = answering("greet", {"name": "n", "type": "Number", "optional": True, "defaultVal": "{{limit}}"})
    schema = operation_of(skill)["requestBody"]["content"]["application/json"]["schema"]
    assert schema["properties"] == {"n": {"type": "number"}}


def test_the_author_s_title_and_summary_are_used() -> None:
    words = {"description": "Long.", "summary": "Short.", "endpointLabel": "Title"}
    assert operation_of(answering("a", **words))["summary"] == "Short."
    assert operation_of(answering("a", **(words | {"summary": ""})))["summary"] == "Title"
    assert operation_of(answering("a", description="Long."))["summary"] == "Long."


def test_texts_are_cut_where_gpts_want_it() -> None:
    long = answering("a", {"name": "x", "description": "d" * 900}, description="w" * 900)
    plain, cut = operation_of(long), operation_of(long, for_gpt=True)
    assert len(plain["summary"]) == len(cut["summary"]) == len(cut["description"]) == 300
    assert len(plain["description"]) == 900

    def described(operation: dict[str, Any]) -> str:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        return str(schema["properties"]["x"]["description"])

    assert (len(described(plain)), len(described(cut))) == (900, 700)


def test_what_cannot_be_run_is_left_out() -> None:
    hidden = answering("hidden", ai_exposed=False)
    assert document_of(hidden, answering("a/b"), answering("put", method="PUT"))["paths"] == {}


def test_without_an_address_the_server_is_where_the_document_is() -> None:
    assert document_of(answering("a"), server="")["servers"] == [{"url": "/"}]
