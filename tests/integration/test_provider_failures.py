"""Whatever a provider does, the client is told clearly and the ledger has one final entry with what was used."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from smyth.connectors.models import litellm_calls
from smyth.connectors.models.catalog import Catalog
from smyth.connectors.models.gateway import ModelGateway
from smyth.connectors.vault.memory import MemoryVault
from smyth.http.services import services
from smyth.testing import Cut, Fail, Half, Hang, ModelServer, Say, Turn
from tests.integration.events import Context, call
from tests.integration.talkers import ledger, talker

pytestmark = pytest.mark.xdist_group("litellm")

_BUSY = Fail(429, headers={"retry-after-ms": "1"})


@dataclass(frozen=True)
class Case:
    """What a provider does, and what comes of it."""

    name: str
    script: tuple[Turn, ...]
    status: int
    code: str
    #: Whether the provider had begun to work, so that tokens are on the bill.
    used: bool
    #: Words that the client's text holds.
    told: str


CASES = [
    Case("dies in mid-stream", (Cut("Half an ans"),), 502, "model_failed", True, "Try again"),
    Case("falls silent", (Hang("Half an ans"),), 504, "model_timeout", True, "in time"),
    Case("is silent from the start", (Hang(),), 504, "model_timeout", False, "in time"),
    Case("sends half a JSON", (Half("Half an ans"),), 502, "model_failed", True, "Try again"),
    Case("is busy three times", (_BUSY, _BUSY, _BUSY), 503, "model_busy", False, "Wait"),
    Case("refuses the key", (Fail(401),), 424, "model_credentials", False, "key"),
    Case("breaks down three times", (Fail(500), Fail(503), Fail(500)), 502, "model_failed", False, "Try again"),
]


@pytest.fixture(scope="module", autouse=True)
def _warm() -> None:
    """The library is loaded: on a busy machine that alone could take a request's time."""
    litellm_calls.litellm()


@pytest.fixture(autouse=True)
def _nearby(monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider is on this machine."""
    monkeypatch.setitem(vars(services()), "models", _models(timeout_s=20))


@pytest.fixture
def asked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[dict[str, Any], Case]]:
    """A message for a model whose provider does what the case says."""
    case: Case = request.param
    if any(isinstance(turn, Hang) for turn in case.script):
        # A silence of a minute, in less.
        monkeypatch.setitem(vars(services()), "models", _models(timeout_s=1))
    with ModelServer(*case.script) as server:
        yield message_for(server), case
        assert len(server.requests) == len(case.script)


def _models(*, timeout_s: float) -> ModelGateway:
    return ModelGateway(Catalog(), MemoryVault(), allow_private=True, timeout_s=timeout_s)


def message_for(server: ModelServer) -> dict[str, Any]:
    return {"message": "Hello", "model": {"provider": "OpenAI", "model": "m", "base_url": server.base_url}}


def each_case() -> Any:
    return pytest.mark.parametrize("asked", CASES, ids=lambda case: case.name.replace(" ", "-"), indirect=True)


@each_case()
@pytest.mark.parametrize("route", ["prompt", "chat"])
def test_a_buffered_answer_is_a_problem_and_one_settled_entry(
    caller: Context, asked: tuple[dict[str, Any], Case], route: str
) -> None:
    body, case = asked
    answer = call("POST", f"/api/agents/{talker(caller)}/{route}", body=body, caller=caller)
    problem = answer.json()
    assert (answer.status, problem["type"]) == (case.status, f"urn:smyth:problem:{case.code}")
    assert case.told in problem["detail"]
    settled_once(caller, case)


@each_case()
def test_a_stream_ends_with_an_error_event_and_one_settled_entry(
    caller: Context, asked: tuple[dict[str, Any], Case]
) -> None:
    body, case = asked
    answer = call("POST", f"/api/agents/{talker(caller)}/stream", body=body, caller=caller)
    lines = answer.content.decode().splitlines()
    events = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    assert [event["type"] for event in events].count("error") == 1
    assert (events[-1]["type"], events[-1]["code"]) == ("error", case.code)
    assert case.told in events[-1]["message"]
    settled_once(caller, case)


def test_a_request_repeated_after_a_failure_is_answered(caller: Context) -> None:
    with ModelServer(Fail(401), Say("Here I am")) as server:
        path, headers = f"/api/agents/{talker(caller)}/prompt", {"Idempotency-Key": "once"}
        body = message_for(server)
        first, second = (call("POST", path, body=body, headers=headers, caller=caller) for _ in range(2))
    assert first.status == 424
    assert second.json()["output"] == "Here I am"


def settled_once(caller: Context, case: Case) -> None:
    """The ledger holds one entry, final, with what was used."""
    (entry,) = ledger(caller)
    assert entry.status == "settled"
    assert entry.model
    assert (entry.input_tokens > 0) == case.used
