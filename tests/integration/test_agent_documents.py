"""Documents of agents: what goes in comes out, and what is wrong with them is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.events import Context, call
from tests.integration.hash_agents import (
    dangling,
    import_agent,
    nested,
    objects_of,
    problem,
    variant,
)

SAMPLES = Path(__file__).resolve().parents[2] / "../shared/samples"


def multipart(name: str, content: bytes, field: str = "file") -> tuple[bytes, dict[str, str]]:
    head = f'--b\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'.encode()
    return head + content + b"\r\n--b--\r\n", {"Content-Type": "multipart/form-data; boundary=b"}


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


def cyclic() -> dict[str, Any]:
    document = variant()
    document["components"][1]["inputs"][0]["optional"] = False
    document["components"].append(document["components"][1] | {"id": "I"})
    document["connections"] = [
        {"sourceId": "H", "sourceIndex": 0, "targetId": "I", "targetIndex": 0},
        {"sourceId": "I", "sourceIndex": 0, "targetId": "H", "targetIndex": 0},
    ]
    return document


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
