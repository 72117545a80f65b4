"""The ``.smyth`` file as typed models (ENGINE section 1).

Members that the models do not name stay in ``model_extra``; members that are
``null`` count as absent, as they do in the original.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, StrictInt, StrictStr, model_validator
from pydantic.alias_generators import to_camel

#: A port by its position in the list of ports, or by its name.
PortIndex = Annotated[StrictInt | StrictStr, Field(union_mode="left_to_right")]


class _Part(BaseModel):
    """Common ground: camelCase in the file, what is not known is kept, nothing changes after loading."""

    model_config = ConfigDict(extra="allow", frozen=True, alias_generator=to_camel)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and None in value.values():
            return {name: member for name, member in value.items() if member is not None}
        return value


class InputPort(_Part):
    """Where a component takes a value in (ENGINE 1.3)."""

    name: str
    type: str = "Any"
    optional: bool = False
    #: As the editor last saw it; a port's place is its position in the list.
    index: int | None = None
    #: Built into the component, not added by the author. Not a value.
    default: bool = False
    #: The value when nothing arrives; may hold templates.
    default_val: Any = None
    description: str = ""
    is_file: bool = False


class OutputPort(_Part):
    """Where a component gives a value out (ENGINE 1.4)."""

    name: str
    index: int | None = None
    default: bool = False
    optional: bool = False
    #: Path on the component's result, for outputs that the author added.
    expression: str = ""
    description: str = ""


class Connection(_Part):
    """A wire from an output to an input (ENGINE 1.5); ``target_index`` -1 starts an endpoint from a trigger."""

    source_id: str
    source_index: PortIndex
    target_id: str
    target_index: PortIndex


class Component(_Part):
    """A box of the agent (ENGINE 1.2)."""

    id: str
    #: The registry name, such as ``APICall``.
    name: str
    title: str = ""
    display_name: str = ""
    description: str = ""
    #: Settings.
    data: dict[str, Any] = Field(default_factory=dict)
    inputs: list[InputPort] = Field(default_factory=list)
    outputs: list[OutputPort] = Field(default_factory=list)
    template: dict[str, Any] | None = None


class Document(_Part):
    """An agent. Make one with :func:`smyth.document.load`."""

    version: str | None = None
    id: str | None = None
    name: str = ""
    team_id: str | None = None
    behavior: str = ""
    description: str = ""
    short_description: str = ""
    intro_message: str = ""
    default_model: str | None = None
    #: The original wants text; other values are kept and used as they are.
    variables: dict[str, Any] = Field(default_factory=dict)
    #: False: ``{{name}}`` in what callers send stays as it is (compat README, quirk 22). The original does not know it.
    expand_caller_data: bool = True
    components: list[Component]
    connections: list[Connection]

    #: What was read, whole; never changed, so that an export loses nothing.
    _source: dict[str, Any] = PrivateAttr(default_factory=dict)

    @cached_property
    def by_id(self) -> dict[str, Component]:
        """The components by id; of two with one id the first."""
        return {component.id: component for component in reversed(self.components)}

    def export(self) -> dict[str, Any]:
        """Return what was read: equal content, keys in their order. The copy is the caller's."""
        return copy.deepcopy(self._source)
