"""Which components there are: their settings and ports, as people, editors and programs read them."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import BaseModel, Field

from smyth.components.base import Port
from smyth.components.registry import find, names


class ComponentPort(BaseModel):
    """A built-in input or output."""

    name: str
    type: str
    description: str
    optional: bool


class ComponentInfo(BaseModel):
    """One component that agents may be built of."""

    name: str = Field(description="As documents spell it.")
    title: str
    summary: str
    settings_schema: dict[str, Any] = Field(description="JSON Schema of the settings, by the names in documents.")
    inputs: list[ComponentPort]
    outputs: list[ComponentPort]
    custom_inputs: bool = Field(description="Whether authors may add inputs of their own.")
    custom_outputs: bool = Field(description="Whether authors may add outputs of their own.")


@cache
def components() -> tuple[ComponentInfo, ...]:
    """Return every registered component, those of installed packages too, by name."""
    return tuple(describe(name) for name in names())


def describe(name: str) -> ComponentInfo:
    """Return what there is to know about one component.

    Raises:
        UnknownComponent: There is none of this name.
    """
    component = find(name)
    return ComponentInfo(
        name=name,
        title=component.title or name,
        summary=component.summary,
        settings_schema=component.Settings.model_json_schema(by_alias=True),
        inputs=[_port(port) for port in component.inputs],
        outputs=[_port(port) for port in component.outputs],
        custom_inputs=component.custom_inputs,
        custom_outputs=component.custom_outputs,
    )


def _port(port: Port) -> ComponentPort:
    return ComponentPort(name=port.name, type=port.type, description=port.description, optional=port.optional)
