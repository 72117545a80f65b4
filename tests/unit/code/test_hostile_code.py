"""Code that means harm ends within its limits with an error that tells why, and the next call is as good as ever."""

from __future__ import annotations

import re
import time

import pytest

from smyth.connectors.code.port import CodeLimits
from smyth.connectors.code.quickjs import QuickJsSandbox
from smyth.values import UNDEFINED

#: Tighter than by default, so that a test of forty attacks ends soon.
LIMITS = CodeLimits(cpu_s=0.3, wall_s=1.5)

BUSY = "CPU time|did not end within"
MEMORY = "MB of memory|broke its sandbox|too long|invalid string length|[Ii]nvalid array"
EITHER = f"{MEMORY}|{BUSY}"
STACK = "call stack|stack overflow"

ATTACKS = {
    "endless loop": ("while (true);", BUSY),
    "endless loop at the root": ("!while (true);", BUSY),
    "loop that catches everything": ("for (;;) { try { while (true); } catch { } finally { continue; } }", BUSY),
    "recursion": ("const f = () => f(); f();", STACK),
    "recursion through a getter": ("const o = { get a() { return this.a; } }; o.a;", STACK),
    "recursion through JSON": ("const f = () => JSON.stringify({ toJSON: f }); f();", STACK),
    "deep nesting of source": ("eval('['.repeat(1e6));", "stack|Syntax|memory"),
    "array of four gigabytes": ("new Uint8Array(4 * 1024 ** 3);", MEMORY),
    "array buffers one by one": ("const a = []; for (;;) a.push(new ArrayBuffer(1e6));", EITHER),
    "array filled": ("new Array(1e9).fill('x');", EITHER),
    "sparse array joined": ("new Array(2 ** 31).join('xx');", EITHER),
    "string doubling": ("let s = 'x'; for (;;) { s += s; s.charCodeAt(0); }", EITHER),
    "string repeat": ("'x'.repeat(2 ** 30);", MEMORY),
    "string padding": ("const a = []; for (;;) a.push('x'.padEnd(1e7));", EITHER),
    "object growth": ("const o = {}; for (let i = 0; ; i++) o['k' + i] = { i };", EITHER),
    "map growth": ("const m = new Map(); for (let i = 0; ; i++) m.set({}, new Array(1000).fill(i));", EITHER),
    "regex backtracking": ("/^(a+)+$/.test('a'.repeat(40) + 'b');", BUSY),
    "regex with references": (r"/(.*)*(.*)*(.*)*\1x$/.test('a'.repeat(200));", BUSY),
    "big integer power": ("(2n ** 1000000n) ** 1000n;", f"{MEMORY}|{BUSY}|BigInt|too large"),
    "big integer to text": ("(3n ** 2000000n).toString();", f"{MEMORY}|{BUSY}|BigInt|too large"),
    "sort that lies": (
        "const a = Array.from({ length: 1e6 }, Math.random); for (;;) a.sort(() => Math.random() - 0.5);",
        BUSY,
    ),
    "promise storm": ("const f = () => Promise.resolve().then(f); await f();", f"{BUSY}|{MEMORY}"),
    "promise flood": (
        "const f = () => { Promise.resolve().then(f); Promise.resolve().then(f); }; f(); await new Promise(f);",
        f"{BUSY}|{MEMORY}",
    ),
    "promise that never resolves": ("await new Promise(() => {});", "never ends"),
    "thenable without end": ("const t = { then(r) { r(t); } }; await t;", BUSY),
    "async recursion": ("const f = async () => await f(); await f();", f"{STACK}|{BUSY}|{MEMORY}"),
    "microtasks": ("const f = () => queueMicrotask(f); f(); await new Promise(() => {});", BUSY),
    "timer far away": ("await new Promise((done) => setTimeout(done, 1e12));", "did not end within"),
    "timers without end": ("const f = () => setTimeout(f, 0); f(); await new Promise(() => {});", BUSY),
    "timer flood": ("for (;;) setTimeout(() => {}, 1);", f"{BUSY}|{MEMORY}"),
    "interval that throws": (
        "setInterval(() => { throw new Error('late'); }, 1); await new Promise(() => {});",
        "late",
    ),
    "generator without end": ("for (const _ of (function* () { for (;;) yield 1; })());", BUSY),
    "proxy that answers itself": ("const p = new Proxy({}, { get: (t, k, r) => r[k] }); p.x;", STACK),
    "proxy as result": ("return new Proxy([], { get: (t, k) => ({ length: 2 ** 31 })[k] });", f"{BUSY}|{MEMORY}"),
    "toJSON that never ends": ("return { toJSON() { for (;;); } };", BUSY),
    "throwing toString": ("throw { toString() { throw this; }, toJSON() { throw this; } };", "cannot be shown"),
    "error with a hostile message": (
        "throw Object.defineProperty(new Error(), 'message', { get() { for (;;); } });",
        BUSY,
    ),
    "huge error": ("throw new Error('x'.repeat(1e7));", "Error: x"),
    "huge output": ("return 'x'.repeat(2e6);", "longer than 1,000,000 bytes"),
    "wide output": ("return Array.from({ length: 1e6 }, (_, i) => i);", f"longer than 1,000,000 bytes|{BUSY}"),
    "deep output": ("let a = 1; for (let i = 0; i < 900; i++) a = [a]; return a;", "nested deeper"),
    "function constructor": ("return new Function('return process')();", "process is not defined"),
    "constructor of a constructor": (
        "return (async () => {}).constructor('return require(\"fs\")')();",
        "require is not defined",
    ),
    "dynamic import": ("return await import('os');", "could not load module"),
    "dynamic import of a file": ("return await import('/etc/passwd');", "could not load module"),
    "worker": ("return new Worker('x');", "Worker is not defined"),
    "blocking wait": ("Atomics.wait(new Int32Array(new SharedArrayBuffer(8)), 0, 0);", "cannot block"),
    "half a character": ("throw '\\ud800';", "\ufffd"),
}


def source_of(attack: str) -> str:
    if attack.startswith("!"):
        return f"{attack[1:]} async function main() {{}}"
    return f"async function main() {{ {attack} }}"


@pytest.mark.parametrize("name", ATTACKS)
async def test_ends_within_limits_and_harms_nobody(sandbox: QuickJsSandbox, name: str) -> None:
    attack, said = ATTACKS[name]
    started = time.perf_counter()
    result = await sandbox.run(source_of(attack), {}, limits=LIMITS)
    assert time.perf_counter() - started < 30
    assert result.output is UNDEFINED
    assert len(result.error) < 3000

    assert re.search(said, result.error), result.error
    assert (await sandbox.run("async function main(a) { return a; }", {"a": "fine"})).output == "fine"
