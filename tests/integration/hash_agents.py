"""A small agent that hashes what it is given, and what tests of agents ask of it."""

from __future__ import annotations

import copy
from typing import Any

from smyth.http.services import services
from tests.integration.events import Answer, Context, call

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


def dangling() -> dict[str, Any]:
    document = variant()
    document["connections"][0]["targetId"] = "nowhere"
    return document


def nested(depth: int) -> str:
    return '{"components":[],"connections":[],"x":' + "[" * depth + "]" * depth + "}"


def import_agent(caller: Context, document: Any = HASH_AGENT, **options: Any) -> dict[str, Any]:
    answer = call("POST", "/api/agents/import", caller=caller, body=document, **options)
    assert answer.status == 201, answer.content
    made: dict[str, Any] = answer.json()
    return made


def run_hash(path: str, caller: Context) -> str:
    answer = call("POST", f"{path}/run/hash", caller=caller, body={"data": "Hello World"})
    assert answer.status == 200, answer.content
    hashed: str = answer.json()["result"]["Hash"]
    return hashed


def objects_of(caller: Context) -> list[str]:
    return services().bucket.keys(f"t/{caller['tenant_id']}/")


def problem(answer: Answer, status: int) -> dict[str, Any]:
    assert answer.status == status, answer.content
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "detail", "instance", "request_id"} <= told.keys()
    assert told["request_id"] == answer.headers["x-request-id"]
    return told
