"""What the triggers share: a call from outside becomes payloads, each of which runs the workflow (COMPONENTS 11)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from pydantic import BaseModel, Field

from smyth.components import base
from smyth.components.base import Call, Port
from smyth.components.foreach import inner_result


class TriggerSettings(base.Settings):
    """Where the trigger is called."""

    trigger_endpoint: str = Field(
        alias="triggerEndpoint",
        pattern=r"^[a-zA-Z0-9]+([-_][a-zA-Z0-9]+)*$",
        max_length=50,
        description="Path after /trigger/.",
    )


class Trigger(base.Component, ABC):
    """Collect payloads and run the workflow with each; a subclass says how.

    With one payload the workflow simply goes on; several are looped over as ForEach does. The trigger's own entry
    in the answer is the list of the loop's results, null where there was no loop.
    """

    Settings: ClassVar[type[BaseModel]] = TriggerSettings
    outputs = (
        Port("Payload", "Object", "What happened."),
        Port("Result", "Array", "The results of several payloads."),
    )
    custom_outputs = True
    loop_output = "Payload"
    is_trigger = True

    @abstractmethod
    async def collect(self, call: Call) -> list[Any]:
        """Return the payloads.

        Raises:
            ComponentError: They cannot be had.
            smyth.components.base.Answered: The request wants an answer, not a run.
        """

    async def run(self, call: Call) -> dict[str, Any]:
        """See :meth:`smyth.components.base.Component.run`."""
        payloads = await self.collect(call)
        if len(payloads) < 2 or call.each is None:
            return {"Payload": payloads[0]} if payloads else {}
        found = await call.each(payloads, 1)
        return {"Result": [inner_result(entry) for entries in found for entry in entries]}

    def post_process(self, entry: dict[str, Any], settings: Any) -> Any:
        """See :meth:`smyth.components.base.Component.post_process`; an error stays to be seen."""
        result = entry["result"]
        return entry if result.get("_error") else result.get("Result")
