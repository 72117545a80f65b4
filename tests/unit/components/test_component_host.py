from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from smyth.components.base import ComponentError

OutputsOf = Callable[..., Any]


async def test_the_hosted_component_gets_settings_and_inputs(outputs_of: OutputsOf) -> None:
    data = {"_component": "FHash", "algorithm": "md5", "encoding": "hex"}
    assert await outputs_of("ComponentHost", data, {"Data": "x"}) == {"Hash": "9dd4e461268c8034f5c8564e155c67a6"}


async def test_an_unknown_component_is_told(outputs_of: OutputsOf) -> None:
    with pytest.raises(ComponentError, match="Component Nobody not found"):
        await outputs_of("ComponentHost", {"_component": "Nobody"})


async def test_wrong_settings_of_the_hosted_component_are_told(outputs_of: OutputsOf) -> None:
    with pytest.raises(ComponentError, match="triggerEndpoint"):
        await outputs_of("ComponentHost", {"_component": "JobSchedulerTrigger"})


async def test_it_does_not_host_itself(outputs_of: OutputsOf) -> None:
    with pytest.raises(ComponentError, match="cannot host itself"):
        await outputs_of("ComponentHost", {"_component": "ComponentHost"})
