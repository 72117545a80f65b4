from __future__ import annotations

from typing import Any

import pytest

from smyth.connectors.code.port import CodeLimits
from smyth.connectors.code.quickjs import QuickJsSandbox
from smyth.values import UNDEFINED


async def output(sandbox: QuickJsSandbox, source: str, inputs: dict[str, Any] | None = None, **more: Any) -> Any:
    result = await sandbox.run(source, inputs or {}, **more)
    assert not result.error, result.error
    return result.output


async def error(sandbox: QuickJsSandbox, source: str, inputs: dict[str, Any] | None = None, **more: Any) -> str:
    result = await sandbox.run(source, inputs or {}, **more)
    assert result.output is UNDEFINED
    assert result.error
    return result.error


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        -1.5,
        1e300,
        "it's",
        'a "quote"',
        "line1\nline2",
        "${1}`\\",
        "\u2028 ä 😀",
        [1, [2]],
        {"a": {"b": []}},
    ],
)
async def test_values_pass_unchanged_in_both_directions(sandbox: QuickJsSandbox, value: Any) -> None:
    assert await output(sandbox, "async function main(a) { return [a]; }", {"a": value}) == [value]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("async function main(b, a) { return [a, b]; }", [1, 2]),
        ("async function main(a, missing) { return [a, missing === undefined]; }", [1, True]),
        ("async function main() { return arguments.length; }", 0),
        ("async function main(a = 9, c = 9) { return [a, c]; }", [1, 9]),
        ("async function main(c = '),(', a) { return [c, a]; }", ["),(", 1]),
        ("async function main(/* b, */ a, // b\n b) { return [a, b]; }", [1, 2]),
        ("async function main({a, b}) { return [a, b]; }", [1, 2]),
        ("async function main(c = [{x: (1)}], a) { return [c, a]; }", [[{"x": 1}], 1]),
        ("async function main(a, ...rest) { return [a, rest]; }", [1, []]),
        ("const main = async (a, b) => [a, b];", [1, 2]),
        ("const main = async a => a;", 1),
        ("globalThis.main = async function (b) { return b; };", 2),
        ("async function main($a_1) { return $a_1; }", 3),
    ],
)
async def test_parameters_are_filled_by_name(sandbox: QuickJsSandbox, source: str, expected: Any) -> None:
    assert await output(sandbox, source, {"a": 1, "b": 2, "$a_1": 3}) == expected


async def test_what_json_cannot_say_becomes_what_json_stringify_makes_of_it(sandbox: QuickJsSandbox) -> None:
    source = "async function main() { return [NaN, undefined, () => 1, new Date(0), new Map([[1, 2]])]; }"
    assert await output(sandbox, source) == [None, None, None, "1970-01-01T00:00:00.000Z", {}]
    assert await output(sandbox, "async function main() {}") is UNDEFINED
    assert "big" in (await error(sandbox, "async function main() { return 1n; }")).lower()
    assert "circular" in await error(sandbox, "async function main() { const a = []; a.push(a); return a; }")
    source = "async function main() { return { toJSON() { throw { get message() { throw 1; } }; } }; }"
    assert "cannot be written as JSON" in await error(sandbox, source)


async def test_errors_tell_the_text_and_the_line(sandbox: QuickJsSandbox) -> None:
    assert await error(sandbox, "async function main() {\n  throw new TypeError('no');\n}") == "TypeError: no (line 2)"
    assert await error(sandbox, "async function main() { throw 'just text'; }") == "just text"
    assert await error(sandbox, "async function main() { throw {code: 7}; }") == '{"code":7}'
    assert (
        await error(sandbox, "nothing.here; async function main() {}")
        == "ReferenceError: nothing is not defined (line 1)"
    )
    assert await error(sandbox, "async function main(a) {\n return a +; }") == (
        "Failed to parse code: unexpected token in expression: ';' (2:12)"
    )


async def test_only_an_async_main_is_called(sandbox: QuickJsSandbox) -> None:
    assert await error(sandbox, "") == "No main function found at root level"
    assert await error(sandbox, "const main = 5;") == "No main function found at root level"
    assert await error(sandbox, "{ const main = async () => 1; }") == "No main function found at root level"
    assert await error(sandbox, "function main() {}") == "Main function exists but is not async"


async def test_modules_and_python_are_refused_by_name(sandbox: QuickJsSandbox) -> None:
    source = "import axios from 'axios';\nimport { a } from \"lodash\";\nasync function main() {}"
    assert '"axios", "lodash" cannot be imported' in await error(sandbox, source)
    assert '"fs"' in await error(sandbox, "async function main() { require('fs'); }", environment={})
    assert "'fs'" in await error(sandbox, "async function main() { await import('fs'); }")
    assert "Only JavaScript runs" in await error(sandbox, "def main(a):\n    return a\n")


async def test_what_is_offered(sandbox: QuickJsSandbox) -> None:
    source = """async function main() {
        return [typeof fetch, typeof setTimeout, typeof console, typeof process, typeof require, typeof std, typeof os];
    }"""
    assert await output(sandbox, source) == ["function"] * 2 + ["object"] + ["undefined"] * 4
    assert "APICall" in await error(sandbox, "async function main() { await fetch('http://127.0.0.1'); }")
    secret = "async function main() { return process.env.k; }"
    assert await output(sandbox, secret, environment={"k": 'it\'s "s"'}) == 'it\'s "s"'


@pytest.mark.parametrize("text", ["", "aä€😀", "\x00\x7f\x80\u07ff\u0800\uffff\U0010ffff"])
async def test_text_turns_into_utf8_and_back(sandbox: QuickJsSandbox, text: str) -> None:
    source = """async function main(a) {
        const bytes = new TextEncoder().encode(a);
        return [Array.from(bytes), new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)];
    }"""
    assert await output(sandbox, source, {"a": text}) == [list(text.encode()), text]


@pytest.mark.parametrize(
    "data", [b"\xff", b"a\x80b", b"\xe2\x82", b"\xe2\x82a", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80"]
)
async def test_bytes_that_are_no_utf8_are_replaced_or_refused(sandbox: QuickJsSandbox, data: bytes) -> None:
    decode = "async function main(a, fatal) { return new TextDecoder('utf8', { fatal }).decode(new Uint8Array(a)); }"
    text = await output(sandbox, decode, {"a": list(data), "fatal": False})
    assert text.replace("\ufffd", "") == data.decode(errors="ignore")
    assert "\ufffd" in text
    assert "not UTF-8" in await error(sandbox, decode, {"a": list(data), "fatal": True})


async def test_timers_fire_in_order_and_can_be_stopped(sandbox: QuickJsSandbox) -> None:
    source = """async function main() {
        const seen = [];
        setTimeout(() => seen.push('never'), 1);
        clearTimeout(1);
        setTimeout((x) => seen.push(x), 20, 'second');
        setTimeout(() => seen.push('first'), 5);
        await new Promise((done) => {
            const id = setInterval(() => seen.push('tick') > 4 && (clearInterval(id), done()), 15);
        });
        return seen;
    }"""
    seen = await output(sandbox, source)
    assert [one for one in seen if one != "tick"] == ["first", "second"]
    assert seen.count("tick") >= 2


async def test_the_console_goes_to_the_log_also_when_the_code_fails(sandbox: QuickJsSandbox) -> None:
    source = """async function main() {
        console.log('a', 1, {b: [2]}, null, undefined);
        console.warn('careful'); console.error(new Error('bad')); console.debug(Symbol('s'));
        console.log({ toJSON() { throw 1; } });
        throw new Error('end');
    }"""
    result = await sandbox.run(source, {})
    assert result.error == "Error: end (line 5)"
    assert result.logs == (
        'a 1 {"b":[2]} null undefined',
        "warn: careful",
        "error: Error: bad (line 3)",
        "debug: Symbol(s)",
        "[cannot be shown]",
    )


async def test_the_log_is_cut_at_its_limit(sandbox: QuickJsSandbox) -> None:
    limits = CodeLimits(log_bytes=100)
    source = "async function main() { for (let i = 0; i < 1e5; i++) console.log('x'.repeat(30)); return 1; }"
    result = await sandbox.run(source, {}, limits=limits)
    assert result.output == 1
    assert sum(map(len, result.logs[:-1])) <= 100
    assert "full" in result.logs[-1]


async def test_calls_leave_nothing_to_the_next(sandbox: QuickJsSandbox) -> None:
    source = """globalThis.left = (globalThis.left || 0) + 1; Object.prototype.dirt = 1; Array.prototype.map = null;
        JSON.stringify = () => '"forged"'; async function main() { return [left, 'x']; }"""
    for _ in range(3):
        assert await output(sandbox, source) == [1, "x"]
    assert await output(sandbox, "async function main() { return [typeof left, ({}).dirt === undefined]; }") == [
        "undefined",
        True,
    ]


async def test_inputs_that_are_too_large_are_refused(sandbox: QuickJsSandbox) -> None:
    assert "Pass smaller values" in await error(sandbox, "async function main() {}", {"a": "x" * 5_000_001})


async def test_output_is_measured_in_bytes(sandbox: QuickJsSandbox) -> None:
    limits = CodeLimits(output_bytes=1000)
    source = "async function main(n) { return 'ä'.repeat(n); }"
    assert await output(sandbox, source, {"n": 499}, limits=limits) == "ä" * 499
    assert "longer than 1,000 bytes" in await error(sandbox, source, {"n": 500}, limits=limits)
