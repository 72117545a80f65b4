"""Make the recorded requests again and compare the answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smyth.components.base import Request
from smyth.connectors.models.catalog import Catalog, ModelEntry
from smyth.connectors.models.gateway import ModelGateway
from smyth.connectors.ports import Ports
from smyth.connectors.vault.memory import MemoryVault
from smyth.document import DocumentError, load
from smyth.engine import Limits, Plan, compile, run
from smyth.sdk.compat import peer as peer_server
from smyth.sdk.compat.bugs import pinned_bug
from smyth.sdk.compat.compare import differences

_DEFAULT_TIMEOUT_MS = 60_000
#: The scripted model that the recorded agents ask, served by the peer.
_FAKE_MODEL = ModelEntry(
    provider="OpenAI",
    model="fake-llm",
    base_url=f"http://{peer_server.HOST}:{peer_server.PORT}/v1",
    context_window=100_000,
    max_output=4096,
)


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
            case = json.loads(file.read_text(encoding="utf-8"))
            answers = asyncio.run(_answers(case, secrets))
            _judge(file.stem, case, answers, result, report)
            if record is not None:
                written = json.dumps({"requests": answers}, ensure_ascii=False, indent=1)
                (Path(record) / file.name).write_text(written, encoding="utf-8")
    report(
        f"{result.bugs_mended + result.bugs_kept} more pin a bug of the original: "
        f"{result.bugs_mended} answered differently, {result.bugs_kept} alike"
    )
    report(f"{result.passed} passed, {result.failed} failed")
    return result


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
    except DocumentError as error:
        return [{"error": str(error)} for _ in case["requests"]]
    keys = MemoryVault(secrets)
    models = ModelGateway(Catalog({"fake-llm": _FAKE_MODEL}), keys, environment={}, allow_private=True)
    ports = Ports(models=models, vault=keys)
    return [await _answer(plan, request, ports, case.get("variables")) for request in case["requests"]]


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
    return result.answer()


def _judge(name: str, case: dict[str, Any], answers: list[Any], result: Result, report: Callable[[str], None]) -> None:
    for number, (request, answer) in enumerate(zip(case["requests"], answers, strict=True)):
        found = list(
            differences(
                request["expect"],
                answer,
                volatile=(*request.get("volatile", ()), *request.get("volatile_hint", ())),
                volatile_keys=request.get("volatile_keys", ()),
            )
        )
        bug = pinned_bug(request)
        if bug is not None:
            result.bugs_mended += bool(found)
            result.bugs_kept += not found
        else:
            result.failed += bool(found)
            result.passed += not found
        if found:
            mark = f" (pins bug {bug})" if bug is not None else ""
            more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            report(f"{name}#{number}{mark} {found[0]}{more}")
