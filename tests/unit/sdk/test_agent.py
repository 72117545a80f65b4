"""The Python face."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import smyth
from smyth.document import DocumentError
from smyth.engine import Limits
from tests.unit.engine.workflows import document, endpoint, output

ECHO = document(endpoint("a"), output("a"), wires=("E.body.a > O.a",))
FIND = document(endpoint("q", method="GET", name="find"), output("q"), wires=("E.query.q > O.q",))


async def test_an_agent_loads_from_a_document_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "echo.smyth"
    file.write_text(json.dumps({"data": ECHO, "version": "1"}))
    for source in (ECHO, file, str(file)):
        assert await smyth.Agent.load(source).call("POST", "/api/go", body={"a": 1}) == {"data": {"a": 1}}


async def test_query_headers_and_variables_reach_the_agent() -> None:
    agent = smyth.Agent.load(FIND)
    answer = await agent.call("GET", "/api/find", query={"q": "{{v}}"}, headers={"X-A": "1"}, variables={"v": "cats"})
    assert answer == {"data": {"q": "cats"}}


async def test_answers_look_like_the_originals() -> None:
    agent = smyth.Agent.load(ECHO)
    assert await agent.call("POST", "/go") == {"status": 404, "data": {"error": "Endpoint not found"}}
    assert await agent.call("POST", "/api/x") == {"data": {"error": "Endpoint POST /api/x Not Found"}}
    assert await agent.call("POST", "/api/go", body={}) == {"data": []}


def test_call_sync_works_without_an_event_loop() -> None:
    assert smyth.Agent.load(ECHO).call_sync("POST", "/api/go", body={"a": 1}) == {"data": {"a": 1}}


async def test_call_sync_works_inside_a_running_event_loop() -> None:
    assert asyncio.get_running_loop()
    assert smyth.Agent.load(ECHO).call_sync("POST", "/api/go", body={"a": 1}) == {"data": {"a": 1}}


async def test_limits_of_the_agent_hold_for_each_call() -> None:
    agent = smyth.Agent.load(ECHO, limits=Limits(components=1))
    answer = await agent.call("POST", "/api/go", body={"a": 1})
    assert answer["data"]["error"].startswith("The run was ended after 1 component runs")


@pytest.mark.parametrize("source", [{}, {"components": 5}])
def test_what_is_no_document_is_refused(source: dict[str, Any]) -> None:
    with pytest.raises(DocumentError):
        smyth.Agent.load(source)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        smyth.Agent.load(tmp_path / "nowhere.smyth")


def test_importing_the_package_loads_nothing_else() -> None:
    code = "import sys, smyth; print([name for name in sys.modules if name.startswith(('smyth.', 'pydantic'))])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
    assert not hasattr(smyth, "Nothing")
