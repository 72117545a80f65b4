"""What a run tells of itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest

from smyth.components.base import Call, ComponentError
from smyth.connectors.ports import Ports
from smyth.connectors.telemetry.memory import MemoryTelemetry
from smyth.connectors.telemetry.port import Span
from smyth.connectors.vault.memory import MemoryVault
from smyth.engine import Limits
from smyth.engine.plan import Plan
from tests.unit.engine.workflows import ask, endpoint, keep, loop, output, part, plan

NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)
Register = Callable[..., None]


async def spans_of(agent: Plan, body: Any, *, secrets: dict[str, str] | None = None, **options: Any) -> list[Span]:
    heard = MemoryTelemetry()
    vault = MemoryVault({"default": secrets or {}})
    await ask(agent, body, ports=Ports(vault=vault, clock=lambda: NOON, telemetry=heard), **options)
    return heard.spans


async def test_each_component_gives_a_span_with_its_sizes_and_its_time() -> None:
    agent = plan(endpoint("v"), keep("K"), output("v"), wires=("E.body.v > K.Input", "K.Output > O.v"), id="agt-1")
    first, middle, last = await spans_of(agent, {"v": "x" * 1000})
    assert [span.component for span in (first, middle, last)] == ["APIEndpoint", "JSONFilter", "APIOutput"]
    assert [span.component_id for span in (first, middle, last)] == ["E", "K", "O"]
    assert {span.run_id for span in (first, middle, last)} == {first.run_id}
    assert middle.agent_id == "agt-1"
    assert middle.started == NOON
    assert 1000 < first.input_bytes < 1100
    assert 0 < middle.ms < 1000
    assert 1000 < middle.input_bytes < 1100
    assert 1000 < middle.output_bytes < 1100
    assert middle.error == ""
    assert middle.log == ()


async def test_runs_have_ids_of_their_own() -> None:
    agent = plan(endpoint("v"))
    one, other = await spans_of(agent, {}) + await spans_of(agent, {})
    assert one.run_id != other.run_id


async def test_every_round_of_a_loop_is_told() -> None:
    agent = plan(endpoint("list"), loop(), keep("K"), wires=("E.body.list > L.Input", "L.Loop > K.Input"))
    spans = await spans_of(agent, {"list": [1, 2, 3]})
    assert [span.component_id for span in spans] == ["E", "K", "K", "K", "L"]


async def test_a_failure_is_told_with_its_text(component: Register) -> None:
    async def fails(call: Call) -> dict[str, Any]:
        raise ComponentError("It is broken.", {"Detail": 1})

    component("Fails", fails)
    agent = plan(endpoint("v"), part("F", "Fails", inputs=("v",)), wires=("E.body.v > F.v",))
    _, span = await spans_of(agent, {"v": 1})
    assert span.error == "It is broken."


async def test_settings_that_cannot_be_used_are_told() -> None:
    agent = plan(endpoint("v"), part("H", "FHash", {"algorithm": 7}, inputs=("Data",)), wires=("E.body.v > H.Data",))
    _, span = await spans_of(agent, {"v": 1})
    assert span.error.startswith("Schema Validation error")


async def test_a_component_that_the_end_of_the_run_cuts_off_is_told(component: Register) -> None:
    async def forever(call: Call) -> dict[str, Any]:
        call.log("begun")
        await asyncio.Event().wait()
        return {}

    component("Forever", forever)
    agent = plan(endpoint("v"), part("F", "Forever", inputs=("v",)), wires=("E.body.v > F.v",))
    _, span = await spans_of(agent, {"v": 1}, limits=Limits(seconds=0.01))
    assert span.error == "ended by CancelledError"
    assert span.log == ("begun",)


async def test_an_unknown_component_is_told() -> None:
    agent = plan(endpoint("v"), part("X", "Frobnicator", inputs=("v",)), wires=("E.body.v > X.v",))
    _, span = await spans_of(agent, {"v": 1})
    assert "does not know" in span.error


async def test_what_a_component_prints_is_in_its_span_within_bounds(component: Register) -> None:
    async def prints(call: Call) -> dict[str, Any]:
        call.log("x" * 10_000)
        for number in range(1000):
            call.log(f"line {number}")
        return {}

    component("Prints", prints)
    agent = plan(endpoint("v"), part("P", "Prints", inputs=("v",)), wires=("E.body.v > P.v",))
    _, span = await spans_of(agent, {"v": 1})
    assert span.log[0] == "x" * 2000 + "... (cut)"
    assert span.log[1] == "line 0"
    assert span.log[-1] == "More than 200 lines; the others are left out."
    assert len(span.log) == 201


async def test_printing_costs_nothing_and_breaks_nothing_when_nobody_listens(component: Register) -> None:
    async def prints(call: Call) -> dict[str, Any]:
        call.log("anything")
        return {"Output": 1}

    component("Prints", prints)
    agent = plan(endpoint("v"), part("P", "Prints", inputs=("v",)), wires=("E.body.v > P.v",))
    assert (await ask(agent, {"v": 1})).data["result"] == {"Output": 1}


@pytest.mark.parametrize("secret", ["s3cret-value", 'with "quotes" inside', "two\nlines", "a/b c&d+e", "ümläut"])
async def test_secrets_are_in_no_text_of_a_span_however_they_are_written(component: Register, secret: str) -> None:
    async def leaks(call: Call) -> dict[str, Any]:
        known = call.inputs["token"]
        mentioned = call.inputs["header"]
        asked = await call.run.ports.vault.get(call.run.team_id, "OTHER")
        for text in (known, mentioned, asked, json.dumps({"k": known}), json.dumps(known, ensure_ascii=False)):
            call.log(f"<{text}>")
        call.log(quote(known, safe=""))
        raise ComponentError(f"Refused <{mentioned}> for <{asked}>")

    component("Leaks", leaks)
    agent = plan(
        endpoint("v"),
        part("P", "Leaks", inputs=("v",)),
        wires=("E.body.v > P.v",),
        variables={"token": "{{KEY(API)}}", "header": "Bearer {{token}}"},
    )
    _, span = await spans_of(agent, {"v": 1}, secrets={"API": secret, "OTHER": "0th3r"})
    told = "\n".join((span.error, *span.log))
    for form in (
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        quote(secret),
        "0th3r",
    ):
        assert form not in told
    assert span.error == "Refused <Bearer ***> for <***>"
    assert span.log == ("<***>", "<Bearer ***>", "<***>", '<{"k": "***"}>', '<"***">', "***")
