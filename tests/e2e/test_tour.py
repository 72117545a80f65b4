"""Every kind of call over HTTP, as ``smyth demo`` makes them."""

from __future__ import annotations

import httpx

from smyth.local.tour import Call, Tour
from tests.e2e.laptop import Dev


async def test_every_call_of_the_tour_is_answered_right(dev: Dev) -> None:
    calls: list[Call] = []
    async with httpx.AsyncClient(base_url=dev.url, timeout=90, trust_env=False) as http:
        await Tour(http, operator_key=dev.operator_key, tell=calls.append).run()
    assert [(call.name, call.fault) for call in calls if call.fault] == []
    assert len(calls) > 25
