"""Chains: skills told in simple words, and the components and connections that they become.

A skill is an endpoint, the steps behind it and one output. Steps name their
inputs simply: ``{{text}}`` is an input of the skill, ``digest.Hash`` an output of
an earlier step, ``digest.Output.items[0]`` a place inside one. A ``?`` at the end
means that the value may stay away and is not waited for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from smyth.components import registry
from smyth.document import CATALOG
from smyth.platform.errors import Conflict, Invalid

_INPUT = re.compile(r"\{\{([^{}]+)\}\}")
#: What every skill has beside its steps; their names belong to no step.
_OWN_STEPS = ("endpoint", "output")
_OUTPUT = re.compile(r"([A-Za-z][A-Za-z0-9_]*)\.(.+)")

InputType = Literal["Any", "Text", "Number", "Integer", "Boolean", "Array", "Object", "Date", "Binary"]


class SkillInput(BaseModel):
    """A parameter of the skill."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_-]*$", max_length=50)
    type: InputType = "Text"
    required: bool = True
    description: str = Field(default="", max_length=1000)
    default: Any = Field(default=None, description="The value when the caller sends none.")


class Step(BaseModel):
    """One component of the chain."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=40, description="How later steps name it.")
    component: str = Field(max_length=60, description="A component's name, such as FHash.")
    settings: dict[str, Any] = Field(default_factory=dict)
    inputs: dict[str, str] = Field(
        default_factory=dict,
        description='Value of each input port: "{{name}}" for an input of the skill, "step.Port" for a step\'s output.',
    )


@dataclass(frozen=True, slots=True)
class Chain:
    """A skill ready to become components."""

    name: str
    description: str
    method: str
    inputs: list[SkillInput]
    steps: list[Step]
    output: dict[str, str]


def add_chain(content: dict[str, Any], chain: Chain) -> None:
    """Append the components and connections of ``chain`` to a document; one that is there already stays alone.

    Raises:
        Conflict: The agent has another skill of this name and method.
        Invalid: A step or a value it names does not exist.
    """
    present = content["components"]
    if _has_endpoint(present, chain):
        if all(component in present for component in _built(chain, taken=set()).components()):
            return
        raise Conflict(f'The agent already has a skill {chain.method} "{chain.name}". Choose another name.')
    built = _built(chain, taken={component.get("id") for component in present})
    present.extend(built.components())
    content["connections"].extend(built.connections)


def _has_endpoint(components: list[dict[str, Any]], chain: Chain) -> bool:
    for component in components:
        data = component.get("data") or {}
        known = (component.get("name"), data.get("endpoint"), data.get("method") or "POST")
        if known == ("APIEndpoint", chain.name, chain.method):
            return True
    return False


def _built(chain: Chain, taken: set[Any]) -> _Builder:
    builder = _Builder(chain, taken)
    builder.build()
    return builder


@dataclass(slots=True)
class _Node:
    """A component being made; ports are added as they are named."""

    id: str
    name: str
    title: str
    data: dict[str, Any]
    inputs: list[dict[str, Any]] = field(default_factory=list)
    outputs: list[dict[str, Any]] = field(default_factory=list)
    free_inputs: bool = True
    free_outputs: bool = True

    def input(self, port: str, where: str, *, optional: bool) -> int:
        """Return the position of an input port, adding it where the component lets authors add some."""
        for position, known in enumerate(self.inputs):
            if known["name"] == port:
                known["optional"] = optional
                return position
        if not self.free_inputs:
            names = ", ".join(f'"{known["name"]}"' for known in self.inputs) or "none"
            raise Invalid(f'{where}: {self.name} has no input "{port}". Its inputs are: {names}.')
        self.inputs.append({"name": port, "type": "Any", "optional": optional})
        return len(self.inputs) - 1

    def output(self, port: str, where: str) -> int:
        """Return the position of an output port; a path into a port becomes a port of its own."""
        for position, known in enumerate(self.outputs):
            if known["name"] == port:
                return position
        first = re.split(r"[.\[]", port, maxsplit=1)[0]
        known_names = [known["name"] for known in self.outputs if known["default"]]
        if not self.free_outputs and first not in (*known_names, "_error"):
            names = ", ".join(f'"{name}"' for name in known_names) or "none"
            raise Invalid(f'{where}: {self.name} has no output "{first}". Its outputs are: {names}.')
        self.outputs.append({"name": port, "default": False, "expression": port})
        return len(self.outputs) - 1


class _Builder:
    """Turns one chain into components and connections."""

    def __init__(self, chain: Chain, taken: set[Any]) -> None:
        self._chain = chain
        self._prefix = self._free_prefix(f"{chain.method.lower()}-{chain.name}", taken)
        self._steps: dict[str, _Node] = {}
        self._endpoint = self._make_endpoint()
        self._answer = _Node(f"{self._prefix}-output", "APIOutput", "Answer", {"format": "minimal"})
        self._answer.outputs.append({"name": "Output", "default": True})
        self.connections: list[dict[str, Any]] = []

    def build(self) -> None:
        """Make the steps and wire them in order, then the output."""
        for number, step in enumerate(self._chain.steps):
            where = f"steps[{number}]"
            if step.id in _OWN_STEPS:
                raise Invalid(f'{where}: "{step.id}" is made by itself. Give the step another id.')
            if step.id in self._steps:
                raise Invalid(f'{where}: there are two steps with the id "{step.id}". Give each its own.')
            self._steps[step.id] = self._make_step(step, where)
            for port, value in step.inputs.items():
                self._wire(value, self._steps[step.id], port, f"{where}.inputs.{port}")
        for name, value in self._chain.output.items():
            self._wire(value, self._answer, name, f"output.{name}")

    def components(self) -> list[dict[str, Any]]:
        """Return the components as a document has them."""
        nodes = [self._endpoint, *self._steps.values(), self._answer]
        return [_as_component(node, column) for column, node in enumerate(nodes)]

    def _free_prefix(self, wanted: str, taken: set[Any]) -> str:
        parts = [*_OWN_STEPS, *(step.id for step in self._chain.steps)]
        prefix, number = wanted, 1
        while any(f"{prefix}-{part}" in taken for part in parts):
            number += 1
            prefix = f"{wanted}-{number}"
        return prefix

    def _make_endpoint(self) -> _Node:
        chain = self._chain
        data = {"endpoint": chain.name, "method": chain.method, "description": chain.description, "ai_exposed": True}
        node = _Node(f"{self._prefix}-endpoint", "APIEndpoint", chain.name, data)
        node.outputs = [{"name": name, "default": True} for name in ("headers", "body", "query")]
        part = "query" if chain.method == "GET" else "body"
        for given in chain.inputs:
            port: dict[str, Any] = {"name": given.name, "type": given.type, "optional": not given.required}
            port |= {"description": given.description} if given.description else {}
            port |= {} if given.default is None else {"defaultVal": given.default}
            node.inputs.append(port)
            node.outputs.append({"name": f"{part}.{given.name}", "default": False})
        return node

    def _make_step(self, step: Step, where: str) -> _Node:
        node = _Node(f"{self._prefix}-{step.id}", step.component, step.id, dict(step.settings))
        if step.component == "APIEndpoint" or step.component == "APIOutput":
            raise Invalid(f'{where}: {step.component} is made by itself. Use "inputs" and "output" of the skill.')
        if registry.is_known(step.component):
            known = registry.find(step.component)
            node.inputs = [
                {"name": p.name, "type": p.type, "optional": p.optional, "default": True} for p in known.inputs
            ]
            node.outputs = [{"name": p.name, "default": True} for p in known.outputs]
            node.free_inputs, node.free_outputs = known.custom_inputs, known.custom_outputs
        elif step.component not in CATALOG:
            raise Invalid(f'{where}: there is no component "{step.component}". Known: {", ".join(registry.names())}.')
        return node

    def _wire(self, value: str, target: _Node, port: str, where: str) -> None:
        """Connect what ``value`` names to an input of ``target``."""
        optional = value.endswith("?")
        source, output = self._source(value.removesuffix("?").strip(), where)
        self.connections.append(
            {
                "sourceId": source.id,
                "sourceIndex": output,
                "targetId": target.id,
                "targetIndex": target.input(port, where, optional=optional),
            }
        )

    def _source(self, value: str, where: str) -> tuple[_Node, int]:
        chain = self._chain
        if match := _INPUT.fullmatch(value):
            names = [given.name for given in chain.inputs]
            if match[1] not in names:
                raise Invalid(
                    f'{where}: the skill has no input "{match[1]}". Its inputs are: {", ".join(names) or "none"}.'
                )
            return self._endpoint, 3 + names.index(match[1])
        if (match := _OUTPUT.fullmatch(value)) and match[1] in self._steps:
            node = self._steps[match[1]]
            return node, node.output(match[2], where)
        raise Invalid(
            f'{where}: "{value}" names nothing. Write "{{{{name}}}}" for an input of the skill '
            'or "step.Port" for an output of an earlier step.'
        )


def _as_component(node: _Node, column: int) -> dict[str, Any]:
    return {
        "id": node.id,
        "name": node.name,
        "title": node.title,
        "data": node.data,
        "inputs": [{**port, "index": position} for position, port in enumerate(node.inputs)],
        "outputs": [{**port, "index": position} for position, port in enumerate(node.outputs)],
        "top": "40px",
        "left": f"{40 + 320 * column}px",
        "width": "240px",
        "height": "",
    }
