"""From the values that arrived to the inputs that a component gets (ENGINE sections 4 to 6)."""

from __future__ import annotations

from typing import Any

from smyth.components import _files as files
from smyth.components.base import Run
from smyth.engine.plan import Step
from smyth.values import convert, expand


def merge(values: dict[str, Any], name: str, value: Any) -> None:
    """Add a value to those that arrived: a second one for the same input makes a list (ENGINE section 4)."""
    if name not in values:
        values[name] = value
    elif isinstance(values[name], list):
        values[name] = [*values[name], value]
    else:
        values[name] = [values[name], value]


async def prepare(step: Step, arrived: dict[str, Any], run: Run, public: dict[str, Any]) -> dict[str, Any]:
    """Return the component's inputs: variables, overlaid by what arrived or the defaults, expanded and converted.

    Args:
        step: The component.
        arrived: What arrived; gets the defaults added for what did not.
        run: The run, for its variables.
        public: The variables without those from the vault; only these are filled into what arrived.

    Raises:
        ValueError: A value does not fit its declared type, a file cannot be had, or a text becomes too long.
    """
    if public and run.expand_caller_data:
        for name, value in arrived.items():
            if isinstance(value, str) and "{{" in value:
                arrived[name] = expand(value, public)
    for name, default in step.defaults:
        if name not in arrived:
            is_text = isinstance(default, str)
            arrived[name] = expand(default, run.variables, secret=run.secret_variables) if is_text else default
    inputs = arrived
    if run.variables:
        inputs = {name: value for name, value in run.variables.items() if name not in arrived} | arrived
    for name, type_name in step.types:
        if name in inputs:
            value = inputs[name]
            if files.concerns_files(value, type_name):
                inputs[name] = await files.convert(value, type_name, run, name=name)
            else:
                inputs[name] = convert(value, type_name)
    return inputs
