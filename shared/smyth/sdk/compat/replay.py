"""Make the recorded requests again and compare the answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smyth.components.base import Request
from smyth.connectors.agents.memory import MemoryAgents
from smyth.connectors.embeddings.gateway import EmbeddingGateway
from smyth.connectors.http.addresses import AddressGuard
from smyth.connectors.http.client import HttpClient
from smyth.connectors.knowledge.knowledge import Knowledge
from smyth.connectors.models.catalog import Catalog, ModelEntry
from smyth.connectors.models.gateway import ModelGateway
from smyth.connectors.ports import Ports
from smyth.connectors.vault.memory import MemoryVault
from smyth.conversation import AskedTurns
from smyth.document import DocumentError, load
from smyth.engine import Limits, Plan, compile, run
from smyth.sdk.compat import peer as peer_server
from smyth.sdk.compat.bugs import UNMARKED, pinned_bug
from smyth.sdk.compat.compare import differences
from smyth.values import to_json

_DEFAULT_TIMEOUT_MS = 60_000


@dataclass(frozen=True, slots=True)
class Judged:
    """One request of a case, made again."""

    answer: Any
    #: One line for each difference.
    differences: list[str]
    #: The bug of the original that the request is marked to pin, if it is.
    bug: int | None
    #: The bug that explains a difference though the request is not marked.
    unmarked_bug: int | None


@dataclass(slots=True)
class Result:
    """How many requests were answered as recorded."""

    cases: int = 0
    passed: int = 0
    failed: int = 0
    #: Requests that pin a bug and are answered differently, as they should be.
    bugs_mended: int = 0
    #: Requests that pin a bug and are answered as recorded.
    bugs_kept: int = 0


def replay(
    directory: str | Path,
    *,
    record: str | Path | None = None,
    vault: str | Path | None = None,
    peer: str | None = None,
    report: Callable[[str], None] = print,
) -> Result:
    """Replay every case in ``directory`` and report each difference in one line.

    Args:
        directory: Holds the cases, one JSON file each.
        record: Where to write the actual answers, one JSON file per case.
        vault: File with the secrets; by default ``vault.json`` beside the directory, if it is there.
        peer: Command that starts the HTTP server of the recordings, used when its port is closed.
        report: Receives the lines; the last is ``N passed, M failed``, without the requests that pin a bug.

    Raises:
        FileNotFoundError: There is no case, or no such vault file.
        ValueError: A file is no recorded case.
        RuntimeError: The peer could not be started.
    """
    files = sorted(Path(directory).glob("*.json"))
    if not files:
        raise FileNotFoundError(f"There are no cases in {directory}. Name a directory with recorded cases (*.json).")
    secrets = _secrets(Path(directory), vault)
    if record is not None:
        Path(record).mkdir(parents=True, exist_ok=True)
    result = Result(cases=len(files))
    with peer_server.running(peer):
        for file in files:
            judged = judge(file, secrets)
            for number, request in enumerate(judged):
                _count(request, result)
                if request.differences:
                    report(f"{file.stem}#{number}{_told(request)}")
            if record is not None:
                answers = {"requests": [request.answer for request in judged]}
                written = json.dumps(answers, ensure_ascii=False, indent=1)
                (Path(record) / file.name).write_text(written, encoding="utf-8")
    report(
        f"{result.bugs_mended + result.bugs_kept} more pin a bug of the original: "
        f"{result.bugs_mended} answered differently, {result.bugs_kept} alike"
    )
    report(f"{result.passed} passed, {result.failed} failed")
    return result


def judge(file: Path, secrets: dict[str, dict[str, str]]) -> list[Judged]:
    """Make the requests of one case again and compare each answer with the recorded one.

    Raises:
        ValueError: The file is no recorded case.
    """
    case = _case(file)
    answers = asyncio.run(_answers(case, secrets))
    return [
        Judged(answer, _differences(request, answer), pinned_bug(request), UNMARKED.get((file.stem, number)))
        for number, (request, answer) in enumerate(zip(case["requests"], answers, strict=True))
    ]


def _case(file: Path) -> dict[str, Any]:
    text = file.read_text(encoding="utf-8").replace(
        peer_server.RECORDED_ADDRESS, f"{peer_server.HOST}:{peer_server.PORT}"
    )
    try:
        case: dict[str, Any] = json.loads(text)
        if all("expect" in request for request in case["requests"]) and "agent" in case:
            return case
    except (ValueError, KeyError, TypeError):
        pass
    raise ValueError(f'{file} is no recorded case: it needs "agent" and "requests", each with "expect".')


def _differences(request: dict[str, Any], answer: Any) -> list[str]:
    volatile = (*request.get("volatile", ()), *request.get("volatile_hint", ()))
    found = differences(request["expect"], answer, volatile=volatile, volatile_keys=request.get("volatile_keys", ()))
    return list(found)


def _count(request: Judged, result: Result) -> None:
    differs = bool(request.differences)
    if request.bug is None:
        result.failed += differs
        result.passed += not differs
    else:
        result.bugs_mended += differs
        result.bugs_kept += not differs


def _told(request: Judged) -> str:
    """Return the differences of one request for one line; an error that was answered says most."""
    found = request.differences
    first = next((line for line in found if "/error is not expected" in line), found[0])
    mark = f" (shows bug {request.unmarked_bug}, unmarked)" if request.unmarked_bug else ""
    if request.bug is not None:
        mark = f" (pins bug {request.bug})"
    more = "" if len(found) == 1 else f" (and {len(found) - 1} more)"
    return f"{mark} {first}{more}"


def _secrets(directory: Path, vault: str | Path | None) -> dict[str, dict[str, str]]:
    beside = directory.resolve().parent / "vault.json"
    if vault is None and not beside.exists():
        return {}
    secrets: dict[str, dict[str, str]] = json.loads(Path(vault or beside).read_text(encoding="utf-8"))
    return secrets


async def _answers(case: dict[str, Any], secrets: dict[str, dict[str, str]]) -> list[Any]:
    """Make the requests of a case in order; what the agent remembers lasts for the case."""
    try:
        plan = compile(load(case["agent"]))
        others = MemoryAgents(map(load, case.get("sub_agents") or ()))
    except DocumentError as error:
        return [{"error": str(error)} for _ in case["requests"]]
    keys = MemoryVault(secrets)
    models = ModelGateway(Catalog({"fake-llm": _fake_model()}), keys, environment={}, allow_private=True)
    knowledge = Knowledge(embeddings=EmbeddingGateway(_fake_embeddings(), keys, environment={}))
    http = HttpClient(AddressGuard(allow_private=True))
    ports = Ports(models=models, vault=keys, http=http, agents=others, conversations=AskedTurns(), knowledge=knowledge)
    return [await _answer(plan, request, ports, case.get("variables")) for request in case["requests"]]


def _fake_model() -> ModelEntry:
    """The scripted model that the recorded agents ask, served by the peer."""
    address = f"http://{peer_server.HOST}:{peer_server.PORT}/v1"
    return ModelEntry(provider="OpenAI", model="fake-llm", base_url=address, context_window=100_000, max_output=4096)


def _fake_embeddings() -> ModelEntry:
    """The embedding model of the recordings, served by the peer."""
    address = f"http://{peer_server.HOST}:{peer_server.PORT}/v1"
    return ModelEntry(provider="OpenAI", model="text-embedding-3-large", base_url=address, dimensions=32)


async def _answer(plan: Plan, request: dict[str, Any], ports: Ports, variables: dict[str, Any] | None) -> Any:
    result = await run(
        plan,
        Request(
            method=request["method"],
            path=request["path"],
            headers=request.get("headers") or {},
            query=request.get("query") or {},
            body=request.get("body"),
            files=tuple(request.get("files") or ()),
        ),
        ports=ports,
        session_id=request.get("sessionID"),
        variables=variables,
        limits=Limits(seconds=request.get("timeout_ms", _DEFAULT_TIMEOUT_MS) / 1000),
    )
    return json.loads(to_json(result.answer()))
