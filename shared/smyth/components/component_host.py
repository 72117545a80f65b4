"""ComponentHost: run a component by its registered name (COMPONENTS section 9)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import Field, ValidationError

from smyth.components import base, registry
from smyth.components.base import Call, ComponentError


class Settings(base.Settings):
    """Which component."""

    component: str = Field(alias="_component", min_length=1, max_length=200, description="The component's name.")


class ComponentHost(base.Component):
    """Hand the call to another component, with the same settings, inputs and outputs."""

    name = "ComponentHost"
    title = "Component Host"
    summary = "Runs a component that an installed package brings along."
    Settings = Settings
    custom_inputs = True
    custom_outputs = True

    async def run(self, call: Call) -> dict[str, Any]:
        """See :meth:`smyth.components.base.Component.run`."""
        name = call.settings.component
        try:
            hosted = registry.find(name)
        except registry.UnknownComponent:
            raise ComponentError(
                f"Component {name} not found. Install the package that has it, or choose another."
            ) from None
        if isinstance(hosted, ComponentHost):
            raise ComponentError("A ComponentHost cannot host itself. Choose another component.")
        try:
            settings = hosted.Settings.model_validate(call.node.data)
        except ValidationError as error:
            told = "; ".join(
                f'"{".".join(map(str, problem["loc"]))}": {problem["msg"]}'
                for problem in error.errors(include_url=False)
            )
            raise ComponentError(f"The settings of {name} are not right: {told}. Mend them.") from None
        return await hosted.run(replace(call, settings=settings))
