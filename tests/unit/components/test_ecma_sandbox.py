from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pydantic import ValidationError

from smyth.components.base import ComponentError, Request
from smyth.components.ecma_sandbox import Settings
from smyth.connectors.code.port import CodeLimits, CodeResult, SandboxError
from smyth.connectors.code.quickjs import QuickJsSandbox
from smyth.connectors.ports import Ports
from smyth.connectors.telemetry.memory import MemoryTelemetry
from smyth.document import load
from smyth.engine import Limits, Plan, compile, run
from tests.unit.engine.workflows import document, endpoint, part

Outputs = Callable[..., Awaitable[dict[str, Any]]]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(41, 42), ("x", "x1"), (True, 2), ([1, 2], "1,21"), ("it's", "it's1"), ("line1\nline2", "line1\nline21")],
)
async def test_inputs_arrive_as_values_not_as_source(outputs_of: Outputs, value: Any, expected: Any) -> None:
    code = "async function main(a) { return a + 1; }"
    assert await outputs_of("ECMASandbox", {"code": code}, {"a": value}) == {"Output": expected}


async def test_an_object_arrives_whole(outputs_of: Outputs) -> None:
    code = "async function main(a, b) { return { sum: a.k + b, list: [a] }; }"
    found = await outputs_of("ECMASandbox", {"code": code}, {"a": {"k": 1}, "b": 2})
    assert found == {"Output": {"sum": 3, "list": [{"k": 1}]}}


async def test_an_input_cannot_break_out_into_the_code(outputs_of: Outputs) -> None:
    hostile = "'); globalThis.broken = 1; ('"
    code = "async function main(a) { return [a, typeof broken]; }"
    assert await outputs_of("ECMASandbox", {"code": code}, {"a": hostile}) == {"Output": [hostile, "undefined"]}


async def test_a_thrown_error_is_told_with_its_text(outputs_of: Outputs) -> None:
    code = "async function main() {\n  throw new Error('not today');\n}"
    with pytest.raises(ComponentError, match=r"^Error: not today \(line 2\)$"):
        await outputs_of("ECMASandbox", {"code": code})


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("", "No main function found at root level"),
        ("function other() { return 1; }", "No main function found at root level"),
        ("function main(a) { return a; }", "Main function exists but is not async"),
        ("async function main(a) { return a +; }", "Failed to parse code: "),
    ],
)
async def test_code_without_an_async_main_is_an_error(outputs_of: Outputs, code: str, said: str) -> None:
    with pytest.raises(ComponentError, match=said):
        await outputs_of("ECMASandbox", {"code": code}, {"a": 1})


async def test_nothing_returned_sends_nothing(outputs_of: Outputs) -> None:
    assert await outputs_of("ECMASandbox", {"code": "async function main() {}"}) == {}


async def test_there_are_no_secrets_in_the_sandbox(outputs_of: Outputs) -> None:
    code = "async function main() { return typeof process + '{{KEY(a)}}'; }"
    assert await outputs_of("ECMASandbox", {"code": code}) == {"Output": "undefined{{KEY(a)}}"}


class OutOfReach:
    """A sandbox that cannot be had."""

    async def run(self, source: str, inputs: Any, *, environment: Any = None) -> CodeResult:
        raise SandboxError("The code sandbox is away. Try again.")


async def test_a_sandbox_that_cannot_be_had_is_told(outputs_of: Outputs) -> None:
    with pytest.raises(ComponentError, match="is away"):
        await outputs_of("ECMASandbox", {"code": "async function main() {}"}, ports=Ports(code=OutOfReach()))


def test_the_source_has_a_longest_length() -> None:
    assert len(Settings(code="x" * 500_000).code) == 500_000
    with pytest.raises(ValidationError):
        Settings(code="x" * 500_001)


def plan_of(code: str) -> Plan:
    """An agent whose endpoint ``go`` hands its body to the code."""
    return compile(
        load(
            document(
                endpoint(),
                part("C", "ECMASandbox", {"code": code}, inputs=("a",), outputs=("Output!",)),
                wires=("E.body > C.a",),
            )
        )
    )


async def test_the_console_goes_to_the_run_s_log() -> None:
    telemetry = MemoryTelemetry()
    plan = plan_of("async function main(a) { console.log('got', a); return a.n + 1; }")
    asked = Request(path="/api/go", body={"n": 1})
    result = await run(plan, asked, ports=Ports(telemetry=telemetry))
    assert result.data["result"] == {"Output": 2}
    assert telemetry.spans[-1].log == ('got {"n":1}',)


async def test_a_run_that_ends_too_late_ends_its_code_too() -> None:
    sandbox = QuickJsSandbox(CodeLimits(cpu_s=15, wall_s=20), at_once=1)
    started = time.monotonic()
    endless = "async function main() { for (;;); }"
    result = await run(plan_of(endless), Request(path="/api/go"), ports=Ports(code=sandbox), limits=Limits(seconds=0.5))
    assert "0.5 seconds" in result.data["error"]
    # The only process is free again: the code that kept it busy is gone.
    assert (await sandbox.run("async function main() { return 1; }", {})).output == 1
    assert time.monotonic() - started < 10
    sandbox.close()
