"""What every component is made of: settings, ports, and one coroutine.

A component is one file in this folder, named after the component, holding one
subclass of :class:`Component`. The registry finds it by the file's name.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from smyth.connectors.models.port import Usage
    from smyth.connectors.ports import Ports
    from smyth.document.model import Component as Node


class Settings(BaseModel):
    """Base of all settings models: what a document says beyond them is kept there and not seen here."""

    model_config = ConfigDict(extra="ignore", frozen=True)


@dataclass(frozen=True, slots=True)
class Port:
    """A built-in input or output of a component, told to people, models and the editor."""

    name: str
    type: str = "Any"
    description: str = ""
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """What a caller sent to an agent."""

    method: str = "POST"
    path: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    #: Uploaded files: ``{fieldname, originalname, mimetype, base64}``.
    files: tuple[Mapping[str, Any], ...] = ()


@dataclass(slots=True)
class Run:
    """The run that a component works for: who, for which request, with which means."""

    agent_id: str
    team_id: str
    behavior: str
    request: Request
    #: Agent variables, resolved: templates filled, vault references replaced.
    variables: Mapping[str, Any]
    #: Names of the variables whose value came from the vault; never expanded inside caller data.
    secret_variables: frozenset[str]
    ports: Ports
    session_id: str
    #: Receives text that a model component passes through to the caller while it runs.
    passthrough: Callable[[str], None]
    #: False: placeholders inside what callers sent stay text (one pass for templates, compat README quirk 22).
    expand_caller_data: bool = True
    #: A trigger started the run: the request is the trigger's, not that of the skills behind it.
    triggered: bool = False
    #: Tells this run from all others.
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    #: One entry per provider request, for metering.
    usage: list[Usage] = field(default_factory=list)
    #: System text and messages of the conversation that called this run, if one did.
    conversation: list[dict[str, Any]] = field(default_factory=list)


def unheard(text: str) -> None:
    """Take text where nobody listens."""


#: The input of a control connection (ENGINE section 1.5): what a trigger hands to the skill that it starts.
START_INPUT = ""

#: Runs what hangs on a loop component's ``loop_output``, once per item and so many at a time,
#: and returns for each item the list of its results.
Each = Callable[[list[Any], int], Awaitable[list[list[Any]]]]

#: Starts what hangs on a background component as the job of the given id, and sends it the given outputs.
Fork = Callable[[str, dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Call:
    """One execution of one component."""

    #: The component as the document has it.
    node: Node
    #: Validated once, when the document was compiled; an instance of the component's ``Settings``.
    settings: Any
    #: Agent variables overlaid by the gathered inputs, expanded and converted to their declared types.
    inputs: dict[str, Any]
    run: Run
    #: Names of the inputs that got a value of their own, in the order of arrival; the others are variables.
    received: tuple[str, ...] = ()
    #: Only for components with a ``loop_output``; None where nothing is connected to it.
    each: Each | None = None
    #: Takes a line for the run's log, such as what a script printed.
    log: Callable[[str], None] = unheard
    #: Only for components that are ``background``.
    fork: Fork | None = None
    #: Whose limits the runs share that this component asks for; hand it on as it is.
    caller: object = None


class ComponentError(Exception):
    """A component failed; the message becomes its ``_error`` output.

    Attributes:
        outputs: Further outputs that stand beside ``_error``.
    """

    def __init__(self, message: str, outputs: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.outputs = outputs or {}


class Answered(Exception):
    """A trigger answered the request by itself; the workflow does not run (COMPONENTS section 11).

    Attributes:
        status: HTTP status of the answer.
        body: The answer.
    """

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"answered with {status}")
        self.status = status
        self.body = body


class Component:
    """Base of all components. Instances hold no state: one serves every run.

    A subclass sets the class attributes and :meth:`run`; the rest is optional.
    """

    #: The registry name, as documents spell it.
    name: ClassVar[str]
    title: ClassVar[str] = ""
    summary: ClassVar[str] = ""
    Settings: ClassVar[type[BaseModel]] = Settings
    inputs: ClassVar[tuple[Port, ...]] = ()
    outputs: ClassVar[tuple[Port, ...]] = ()
    #: Whether authors may add ports of their own.
    custom_inputs: ClassVar[bool] = False
    custom_outputs: ClassVar[bool] = False
    #: Its input ports are the caller's parameters: it fills and converts them from the request by itself.
    takes_request: ClassVar[bool] = False
    #: The output that sends one item at a time (ENGINE section 9); empty for all but loops.
    loop_output: ClassVar[str] = ""
    #: What hangs on other than its built-in outputs runs in the background, and only there (ENGINE section 10).
    background: ClassVar[bool] = False
    #: Its entry always counts as a result, whatever is connected to it (COMPONENTS section 11).
    is_trigger: ClassVar[bool] = False

    async def run(self, call: Call) -> dict[str, Any]:
        """Do the work and return the outputs by name; an absent name sends nothing.

        Raises:
            ComponentError: The work failed; any other exception is treated alike.
        """
        return {}

    def post_process(self, entry: dict[str, Any], settings: Any) -> Any:
        """Shape the component's own entry ``{id, name, result}`` in the run's result; by default as it is."""
        return entry
