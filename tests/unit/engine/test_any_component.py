"""What holds for every component, whatever its settings are and whatever it is given."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smyth.components.catalog import describe
from smyth.components.registry import find, names
from smyth.connectors.http.port import HttpError, HttpReply, HttpRequest
from smyth.connectors.ports import Ports
from smyth.conversation import AskedTurns
from smyth.engine import Limits
from tests.unit.engine.workflows import ask, endpoint, part, plan

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
#: Text that looks like something else.
ODD = st.sampled_from(
    [
        "{{x",
        "{{a}}",
        '{"a": [1',
        "https://x.example/a?b",
        "smythfs://a.team/b",
        "data:;base64,A",
        "-1",
        "1e9",
        "[",
        "nul",
    ]
)
SECRET = "top-secret"
#: What fits a setting that takes text.
TEXTS = ("Echo", "https://x.example", "{{a}}")
#: What callers try who want the vault's secret. Authors may use it, so it is not in the settings.
GREEDY = st.sampled_from(["{{v}}", "{{w}}", "{{KEY(k)}}", "{{secret}}", "KEY(k)"])
LIMITS = Limits(components=500, output_bytes=200_000, seconds=20)
#: How Python tells of a mistake in code, and no component of a mistake of its user.
SLIPS = re.compile(
    r"object has no attribute|NoneType|unsupported operand|not subscriptable|unhashable|not iterable"
    r"|positional argument|must be str, not|expected str|list index|is not callable|codec can't|Traceback"
)
#: Starting their own processes takes longer than all the rest.
SLOW = {"ECMASandbox", "ServerlessCode"}


REPLIES = st.builds(
    HttpReply,
    status=st.sampled_from([200, 200, 201, 204, 301, 400, 401, 404, 422, 429, 500]),
    headers=st.sampled_from(["application/json", "text/html", "text/event-stream", "image/png", ""]).map(
        lambda kind: {"content-type": kind} if kind else {}
    ),
    content=JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=20),
    url=st.just("https://x.example/"),
)


class OddService:
    """Answers whatever it is asked with one odd reply."""

    def __init__(self, reply: HttpReply | None) -> None:
        self._reply = reply
        self.status, self.headers, self.url = (reply.status, reply.headers, reply.url) if reply else (0, {}, "")

    async def send(self, request: HttpRequest) -> HttpReply:
        if self._reply is None:
            raise HttpError("Nobody answers.")
        return self._reply

    @asynccontextmanager
    async def stream(self, request: HttpRequest) -> AsyncIterator[OddService]:
        await self.send(request)
        yield self

    async def chunks(self) -> AsyncIterator[bytes]:
        yield (await self.send(HttpRequest(self.url))).content


class GivingVault:
    """Has an entry of any name."""

    async def get(self, team_id: str, name: str) -> str:
        return SECRET

    def of_agent(self, agent_id: str) -> GivingVault:
        return self


async def _at_once(seconds: float) -> None:
    return None


def settings_of(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """Settings that fit but for a few: what is required, what else there may be, and anything in place of some."""
    schema = describe(name).settings_schema
    rules = schema.get("properties", {})
    needed = [*schema.get("required", []), *(member for member, rule in rules.items() if _is_credential(rule))]
    required = {member: _fitting(rules[member]) for member in needed}
    others = {member: _fitting(rule) for member, rule in rules.items() if member not in required}
    odd = st.dictionaries(st.sampled_from(sorted(rules)), ODD | JSON, max_size=2) if rules else st.just({})
    return st.builds(lambda fitting, strange: fitting | strange, st.fixed_dictionaries(required, optional=others), odd)


def _is_credential(rule: dict[str, Any]) -> bool:
    return "{{KEY(" in rule.get("description", "")


def _fitting(rule: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that a setting takes, as far as its schema is easily read."""
    if _is_credential(rule):
        return st.just("{{KEY(k)}}")
    values = [rule[key] for key in ("default", "const") if key in rule]
    for kind in rule.get("anyOf", [rule]):
        values += kind.get("enum", [])
        if "enum" not in kind:
            texts = [text for text in TEXTS if re.search(kind.get("pattern", ""), text)]
            values += {"string": texts, "integer": [1, 300], "boolean": [True]}.get(kind.get("type"), [])
    return st.sampled_from(values) if values else JSON


def document_of(name: str, data: dict[str, Any], ports: list[str], types: list[str]) -> Any:
    """An endpoint whose parameters go into all inputs of a component."""
    kind = find(name)
    inputs = tuple({"name": port, "type": type_name} for port, type_name in zip(ports, types, strict=True))
    outputs = (*(f"{port.name}!" for port in kind.outputs), "extra")
    return plan(
        endpoint(*ports),
        part("C", name, data, inputs=inputs, outputs=outputs, displayName=name),
        wires=tuple(f"E.body.{port} > C.{port}" for port in ports),
        variables={"v": "{{w}}", "w": "{{KEY(k)}}"},
    )


@pytest.mark.parametrize("name", names())
def test_a_component_ends_with_an_answer_or_an_error_in_its_own_words(name: str) -> None:
    ports = [port.name for port in describe(name).inputs] or ["a"]
    values = st.fixed_dictionaries(dict.fromkeys(ports, JSON | ODD | GREEDY))
    types = st.lists(st.sampled_from(["Any", "Text", "Array", "Object"]), min_size=len(ports), max_size=len(ports))

    @settings(max_examples=5 if name in SLOW else 30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(settings_of(name), values, types, st.none() | REPLIES)
    def holds(data: dict[str, Any], body: dict[str, Any], kinds: list[str], reply: HttpReply | None) -> None:
        ports_of_run = Ports(http=OddService(reply), vault=GivingVault(), sleep=_at_once, conversations=AskedTurns())
        told = json.dumps(_run(document_of(name, data, ports, kinds), body, ports_of_run))
        assert SECRET not in told
        assert not SLIPS.search(told), told

    holds()


def _run(agent: Any, body: dict[str, Any], ports: Ports) -> Any:
    async def run() -> Any:
        async with asyncio.timeout(30):
            return (await ask(agent, body, limits=LIMITS, ports=ports)).answer()

    return asyncio.run(run())
