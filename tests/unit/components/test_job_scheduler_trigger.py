from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from smyth.components.registry import find

OutputsOf = Callable[..., Any]


@pytest.mark.parametrize(
    ("payload", "given"),
    [('{"a": 1}', {"a": 1}), ({"a": 1}, {"a": 1}), ("", {}), ("nothing", {}), ("[1]", {}), (None, {})],
)
async def test_each_run_gets_the_payload_of_the_settings(outputs_of: OutputsOf, payload: Any, given: Any) -> None:
    data = {"triggerEndpoint": "tick", "interval": 5, "payload": payload}
    assert await outputs_of("JobSchedulerTrigger", data) == {"Payload": given}


@pytest.mark.parametrize(
    "data", [{}, {"triggerEndpoint": "a b"}, {"triggerEndpoint": "t", "interval": 0}, {"triggerEndpoint": "x" * 51}]
)
def test_wrong_settings_are_refused(data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        find("JobSchedulerTrigger").Settings.model_validate(data)
