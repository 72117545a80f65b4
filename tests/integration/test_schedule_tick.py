"""The tick that goes on with what takes long."""

from __future__ import annotations

import pytest

from smyth.http.services import services
from tests.integration.events import LambdaContext, handler


def test_a_step_that_fails_stops_no_other_and_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down() -> int:
        raise RuntimeError("the mail server is gone")

    def issue(_: object) -> int:
        issued.append("this month's")
        return len(issued)

    issued: list[str] = []
    monkeypatch.setattr(services().alerts, "wake", break_down)
    monkeypatch.setattr(services().invoices, "issue", issue)
    with pytest.raises(ExceptionGroup, match="the next tick takes them again") as failed:
        handler("schedule_tick")({"source": "aws.events"}, LambdaContext())
    assert [str(error) for error in failed.value.exceptions] == ["the mail server is gone"]
    assert issued
