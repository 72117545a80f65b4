"""A tour through the API over HTTP: every kind of call once, each answer checked."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx

from smyth.local.assembly import PROJECT

EXAMPLES = PROJECT / "examples"
#: Example, method, endpoint, what is sent, and what the answer must hold.
_RUNS: tuple[tuple[str, str, str, dict[str, Any], dict[str, Any]], ...] = (
    ("hash-api", "POST", "hash", {"text": "Hello World"}, {"md5": "b10a8db164e0754105b7a99be72e3fe5"}),
    ("echo-chat", "POST", "greet", {"name": "Ada"}, {"greeting": "Good day, Ada!"}),
    ("order-totals", "POST", "totals", json.loads((EXAMPLES / "orders.json").read_text()), {"count": 2}),
    ("approval-gate", "POST", "approve", {"manager": True, "legal": True, "within_budget": True}, {"approved": True}),
    ("assistant", "GET", "now", {}, {}),
    ("assistant", "POST", "fingerprint", {"text": "Hello World"}, {}),
)

#: How long what runs by itself may take, and how often it is looked at.
_PATIENCE_S, _PAUSE_S = 60.0, 0.25


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the tour and how it went."""

    name: str
    status: int
    ms: float
    requests_left: str
    fault: str = ""


class Wrong(Exception):
    """An answer is not what it must be."""


class Tour:
    """Makes the calls and tells of each."""

    def __init__(self, http: httpx.AsyncClient, *, operator_key: str, tell: Callable[[Call], None]) -> None:
        self._http = http
        self._operator_key = operator_key
        self._tell = tell
        self._key = ""
        self._agents: dict[str, str] = {}
        self._billable = 0

    async def run(self) -> None:
        """Make all calls; one that fails does not stop the others."""
        await self._make_tenant()
        await self._make_agents()
        await self._run_endpoints()
        await self._talk()
        await self._speak_other_protocols()
        await self._export()
        await self._look_at_connectors_and_files()
        await self._search_vectors()
        await self._keep_credentials()
        await self._read_usage()
        # From here on agents run without being called, which is billed when it happens.
        await self._know()
        await self._start_by_itself()

    async def _call(
        self,
        method: str,
        path: str,
        *,
        expect: int = 200,
        note: str = "",
        key: str | None = None,
        check: Callable[[Any], None] = lambda answer: None,
        **sent: Any,
    ) -> Any:
        """Make a call, check it, tell of it; the answer is the JSON, or the text when it is none."""
        headers = {"x-api-key": key or self._key, **sent.pop("headers", {})}
        started = time.perf_counter()
        answer = await self._http.request(method, path, headers=headers, **sent)
        ms = (time.perf_counter() - started) * 1000
        is_json = "json" in answer.headers.get("content-type", "")
        said = answer.json() if is_json else answer.text
        left = answer.headers.get("x-usage-requests-remaining", "")
        self._billable += "x-usage-cost" in answer.headers
        fault = "" if answer.status_code == expect else f"expected {expect}: {answer.text[:300]}"
        if not fault:
            try:
                check(said)
            except (Wrong, LookupError, TypeError, ValueError) as wrong:
                fault = f"{wrong!r} in {answer.text[:300]}"
        shown = re.sub(r"/(agt|trg|doc)-\w+", "/{id}", path)
        self._tell(Call(f"{method} {shown} {note}".strip(), answer.status_code, ms, left, fault))
        return said if is_json and answer.is_success else {}

    async def _make_tenant(self) -> None:
        tenant = await self._call(
            "POST", "/api/tenants", key=self._operator_key, json={"name": "tour", "plan": "pro"}, expect=201
        )
        wanted = {"name": "tour", "role": "owner", "tenant_id": tenant.get("id", "")}
        made = await self._call("POST", "/api/keys", key=self._operator_key, json=wanted, expect=201)
        self._key = made.get("key", "missing")

    async def _make_agents(self) -> None:
        helper = {"name": "Helper", "behavior": "You answer in one sentence.", "model": "Echo"}
        created = await self._call("POST", "/api/agents/create", json=helper, expect=201)
        self._agents["helper"] = created.get("id", "missing")
        for example in sorted(EXAMPLES.glob("*.smyth")):
            imported = await self._call(
                "POST", "/api/agents/import", note=f"({example.name})", content=example.read_bytes(), expect=201,
                headers={"content-type": "application/json"}, check=lambda answer: _equal(answer["warnings"], []),
            )  # fmt: skip
            self._agents[example.stem] = imported.get("id", "missing")
        await self._call("GET", "/api/agents", check=lambda answer: _equal(len(answer["items"]), len(self._agents)))

    async def _run_endpoints(self) -> None:
        for example, method, endpoint, body, wanted in _RUNS:
            path = f"/api/agents/{self._agents.get(example, 'missing')}/run/{endpoint}"
            sent: dict[str, Any] = {"json": body} if method == "POST" else {}
            await self._call(method, path, note=f"({example})", check=_holds(wanted), **sent)

    async def _talk(self) -> None:
        agent = f"/api/agents/{self._agents['helper']}"
        says = _contains("output", "Hello")
        await self._call("POST", f"{agent}/prompt", json={"message": "Hello"}, check=says)
        first = await self._call("GET", f"{agent}/chat", params={"message": "Hello"}, check=says)
        conversation = {"conversation_id": first.get("conversation_id", "missing")}
        again = {"message": "Hello again", **conversation}
        await self._call("GET", f"{agent}/chat", note="(again)", params=again, check=_holds(conversation))
        await self._call(
            "GET", f"{agent}/chat", note="(history)", params=conversation,
            check=lambda answer: _equal(len(answer["messages"]), 4),
        )  # fmt: skip
        await self._call("POST", f"{agent}/stream", json={"message": "Hello"}, check=_is_stream)

    async def _speak_other_protocols(self) -> None:
        agent = self._agents["helper"]
        await self._call("GET", "/v1/models", check=lambda answer: _equal(len(answer["data"]), len(self._agents)))
        message = {"role": "user", "content": "Hello"}
        await self._call(
            "POST", "/v1/chat/completions", json={"model": "helper", "messages": [message]},
            check=lambda answer: _equal(answer["choices"][0]["message"]["content"], "Hello"),
        )  # fmt: skip
        await self._call(
            "POST", "/v1/responses", json={"model": agent, "input": "Hello"},
            check=lambda answer: _equal(answer["output"][0]["content"][0]["text"], "Hello"),
        )  # fmt: skip
        await self._call(
            "POST", "/v1/embeddings", json={"model": "default", "input": "Hello"},
            check=lambda answer: answer["data"][0]["embedding"],
        )  # fmt: skip
        hash_api = f"/api/agents/{self._agents.get('hash-api', 'missing')}"
        asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        accept = {"accept": "application/json, text/event-stream"}
        await self._call("POST", f"{hash_api}/mcp", note="(tools)", json=asked, headers=accept, check=_names_tools)
        await self._call("GET", f"{hash_api}/openapi.json", check=lambda answer: answer["paths"])
        await self._call("GET", "/api/models", check=lambda answer: answer["items"][0])
        await self._call(
            "GET", f"/api/agents/{agent}/conversations", check=lambda answer: _equal(answer["items"][0]["turns"], 2)
        )

    async def _export(self) -> None:
        for example in sorted(EXAMPLES.glob("*.smyth")):
            document = json.dumps(json.loads(example.read_text()))
            await self._call(
                "GET", f"/api/agents/{self._agents[example.stem]}/export", note=f"(= {example.name})",
                check=_is_document(document),
            )  # fmt: skip

    async def _look_at_connectors_and_files(self) -> None:
        await self._call("GET", "/api/components", check=lambda answer: answer["items"][0])
        await self._call("GET", "/api/connectors", check=lambda answer: answer["items"][0])
        file = {"file": ("note.txt", b"A small file.", "text/plain")}
        await self._call("POST", "/api/storage/upload", files=file, expect=201, check=_holds({"size": 13}))
        large = {"name": "large.bin", "size": 20_000_000, "content_type": "application/octet-stream"}
        await self._call("POST", "/api/storage/upload", note="(presigned)", json=large, expect=201, check=_has_upload)
        await self._call("GET", "/api/storage", check=lambda answer: _equal(len(answer["items"]), 2))

    async def _search_vectors(self) -> None:
        items = [{"id": name, "vector": vector} for name, vector in (("north", [0.0, 1.0]), ("east", [1.0, 0.0]))]
        upsert = {"namespace": "tour", "items": items}
        await self._call("POST", "/api/vectordb/upsert", json=upsert, check=_holds({"upserted": 2}))
        search = {"namespace": "tour", "vector": [0.1, 0.9], "top_k": 1}
        await self._call(
            "POST", "/api/vectordb/search", json=search, check=lambda answer: _equal(answer["hits"][0]["id"], "north")
        )

        await self._call("GET", "/api/vectordb", check=lambda answer: _equal(answer["items"][0]["namespace"], "tour"))

    async def _keep_credentials(self) -> None:
        secret = {"value": "of the tour"}
        await self._call("PUT", "/api/credentials/shop", json=secret, check=_hides(secret["value"]))
        await self._call("GET", "/api/credentials", check=_hides(secret["value"]))

    async def _read_usage(self) -> None:
        await self._call("GET", "/api/usage", check=lambda answer: _equal(answer["requests"]["used"], self._billable))

    async def _know(self) -> None:
        text = {"namespace": "handbook", "name": "travel.md", "text": "Trains are booked by the office."}
        known = await self._call("POST", "/api/knowledge", json=text, expect=201)
        document = f"/api/knowledge/{known.get('id', 'missing')}"
        await self._until(document, lambda answer: answer["status"] in ("ready", "failed"))
        await self._call("GET", document, note="(indexed)", check=_holds({"status": "ready", "error": None}))
        question = {"namespace": "handbook", "query": "Who buys my ticket?", "top_k": 1}
        await self._call(
            "POST", "/api/knowledge/search", json=question,
            check=lambda answer: _equal(answer["hits"][0]["text"], text["text"]),
        )  # fmt: skip

    async def _start_by_itself(self) -> None:
        wanted = {"agent_id": self._agents["hash-api"], "target": {"skill": "hash", "input": {"text": "{{name}}"}}}
        nightly = {"name": "nightly", "rule": {"cron": "0 3 * * *", "time_zone": "Europe/Berlin"}, **wanted}
        await self._call("POST", "/api/schedules", json=nightly, expect=201, check=_holds({"state": "on"}))
        await self._call("GET", "/api/schedules", check=lambda answer: answer["items"][0]["next_run"])
        orders = {"name": "orders", "rule": {"kind": "webhook", "scheme": "standard"}, **wanted}
        trigger = (await self._call("POST", "/api/triggers", json=orders, expect=201)).get("id", "missing")
        await self._call("POST", f"/api/triggers/{trigger}/test", json={"payload": {"name": "Ada"}}, expect=202)
        runs = f"/api/triggers/{trigger}/runs"
        await self._until(runs, lambda answer: answer["items"][0]["state"] in ("done", "dead"))
        await self._call("GET", runs, check=lambda answer: _equal(answer["items"][0]["state"], "done"))

    async def _until(self, path: str, done: Callable[[Any], bool]) -> None:
        """Look, without telling of it, until what runs by itself is done."""
        until = time.monotonic() + _PATIENCE_S
        while time.monotonic() < until:
            answer = await self._http.get(path, headers={"x-api-key": self._key})
            with suppress(LookupError, TypeError):
                if not answer.is_success or done(answer.json()):
                    return
            await asyncio.sleep(_PAUSE_S)


def _equal(answered: object, wanted: object) -> None:
    if answered != wanted:
        raise Wrong(f"{answered!r} is not {wanted!r}"[:300])


def _holds(wanted: dict[str, Any]) -> Callable[[Any], None]:
    return lambda answer: _equal({name: answer[name] for name in wanted}, wanted)


def _contains(member: str, wanted: str) -> Callable[[Any], None]:
    return lambda answer: _equal(wanted in answer[member], True)


def _hides(secret: str) -> Callable[[Any], None]:
    return lambda answer: _equal(secret in json.dumps(answer), False)


def _is_document(text: str) -> Callable[[Any], None]:
    return lambda answer: _equal(json.dumps(answer), text)


def _has_upload(answer: Any) -> None:
    _equal(answer["upload"]["url"].startswith("http"), True)


def _names_tools(answer: Any) -> None:
    text = answer if isinstance(answer, str) else json.dumps(answer)
    _equal('"inputSchema"' in text, True)


def _is_stream(answer: str) -> None:
    events = [json.loads(line.removeprefix("data:")) for line in answer.splitlines() if line.startswith("data:")]
    kinds = [event["type"] for event in events]
    _equal((kinds[0], kinds[-1], "content" in kinds), ("start", "end", True))
