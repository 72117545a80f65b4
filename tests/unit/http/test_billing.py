"""Which ends of a billable request are billed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import Request, Response

from smyth.connectors.models.port import Usage
from smyth.http import billing
from smyth.http.billing import Charge, billed
from smyth.http.problems import Problem
from smyth.platform.access import Caller
from smyth.platform.idempotency import Answer
from smyth.platform.metering import Admission, Entry, Figures

CALLER = Caller("ten-1", "owner", "key-1", plan="payg")
USED = Usage("m", input_tokens=3, output_tokens=4, cost_micro_usd=250)


@dataclass
class RecordingMeter:
    """Admits everybody and remembers how requests ended."""

    ends: list[tuple[str, Figures]] = field(default_factory=list)
    failing: bool = False

    def admit(self, caller: Caller, *, request_id: str, **_: Any) -> Admission:
        now = datetime.now(UTC)
        entry = Entry(request_id=request_id, tenant_id=caller.tenant_id, at=now, lease_until=now, fee=10_000)
        return Admission(entry=entry, remaining=7)

    def settle(self, admission: Admission, figures: Figures, answer: Answer | None) -> bool:
        return self._end("settled", figures)

    def release(self, admission: Admission, figures: Figures) -> bool:
        return self._end("released", figures)

    def _end(self, status: str, figures: Figures) -> bool:
        if self.failing:
            raise TimeoutError
        self.ends.append((status, figures))
        return True

    @property
    def end(self) -> str:
        ((status, _),) = self.ends
        return status


@pytest.fixture
def meter(monkeypatch: pytest.MonkeyPatch) -> RecordingMeter:
    meter = RecordingMeter()
    monkeypatch.setattr(billing, "services", lambda: SimpleNamespace(meter=meter))
    return meter


def request(milliseconds: int | None = None) -> Request:
    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": "/api/agents/a/run/x",
        "query_string": b"",
        "headers": [],
        "smyth.request_id": "01JD0000000000000000000000",
        "route": SimpleNamespace(path="/api/agents/{agent_id}/run/{endpoint}"),
    }
    if milliseconds is not None:
        scope["aws.context"] = SimpleNamespace(get_remaining_time_in_millis=lambda: milliseconds)
    return Request(scope)


async def test_good_work_is_settled_and_told_with_its_cost(meter: RecordingMeter) -> None:
    async def work(charge: Charge) -> dict[str, int]:
        charge.use([USED, USED])
        return {"n": 1}

    response = await billed(request(), CALLER, work)
    assert bytes(response.body) == b'{"n":1}'
    assert response.headers["x-usage-cost"] == "0.010500"
    assert response.headers["x-usage-requests-remaining"] == "7"
    ((status, figures),) = meter.ends
    assert (status, figures.model, figures.input_tokens, figures.provider_cost) == ("settled", "m", 6, 500)


@pytest.mark.parametrize(
    ("status", "used", "end"),
    [
        (422, False, "released"),
        (422, True, "settled"),
        (500, True, "released"),
        (502, True, "settled"),
        (503, False, "released"),
    ],
)
async def test_failed_work_is_billed_once_a_provider_was_asked_unless_the_fault_is_ours(
    status: int, used: bool, end: str, meter: RecordingMeter
) -> None:
    async def raises(charge: Charge) -> None:
        charge.use([USED] if used else [])
        raise Problem(status, "x", "x")

    async def answers(charge: Charge) -> Response:
        charge.use([USED] if used else [])
        return Response(status_code=status)

    with pytest.raises(Problem):
        await billed(request(), CALLER, raises)
    assert meter.end == end
    meter.ends.clear()
    await billed(request(), CALLER, answers)
    assert meter.end == end


async def test_a_crash_is_not_billed(meter: RecordingMeter) -> None:
    async def work(charge: Charge) -> None:
        charge.use([USED])
        raise KeyError("x")

    with pytest.raises(KeyError):
        await billed(request(), CALLER, work)
    assert meter.end == "released"


async def test_a_caller_who_goes_away_is_not_billed(meter: RecordingMeter) -> None:
    started = asyncio.Event()

    async def work(charge: Charge) -> None:
        started.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(billed(request(), CALLER, work))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert meter.end == "released"


@pytest.mark.parametrize(("used", "end"), [(False, "released"), (True, "settled")])
async def test_work_is_ended_before_lambda_ends_the_function(used: bool, end: str, meter: RecordingMeter) -> None:
    async def work(charge: Charge) -> None:
        charge.use([USED] if used else [])
        await asyncio.Event().wait()

    with pytest.raises(Problem) as refused:
        await billed(request(milliseconds=2_050), CALLER, work)
    assert (refused.value.status, meter.end) == (504, end)


async def test_an_answer_is_given_even_when_it_cannot_be_settled(meter: RecordingMeter) -> None:
    meter.failing = True

    async def work(charge: Charge) -> str:
        return "good"

    assert (await billed(request(), CALLER, work)).body == b'"good"'
