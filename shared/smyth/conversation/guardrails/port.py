"""What a turn asks of its guard: may this text pass, and as what?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

#: ``input``: what the caller sent. ``tool``: what a skill returned to the model. ``output``: what goes out.
Stage = Literal["input", "tool", "output"]
#: ``block``: refused. ``mask``: parts were replaced. ``pass``: the rule could not be asked and lets through.
Done = Literal["block", "mask", "pass"]
#: Stands where a text was.
WITHHELD = "[withheld by a guardrail]"


@dataclass(frozen=True, slots=True)
class Action:
    """A rule has acted. Never holds what it found."""

    stage: Stage
    #: The rule's type, such as ``pii``.
    rule: str
    action: Done
    #: How many finds.
    count: int = 1

    def as_json(self) -> dict[str, Any]:
        """Return the action as answers list it."""
        return {"stage": self.stage, "rule": self.rule, "action": self.action, "count": self.count}


@dataclass(frozen=True, slots=True)
class Checked:
    """A text after its check."""

    #: What may pass; a refused text is replaced by a mark.
    text: str
    actions: tuple[Action, ...] = ()
    #: What the caller is told in place of an answer; None: the turn goes on.
    refusal: str | None = None


class Refused(Exception):
    """A rule refuses; the turn ends with what it says.

    Attributes:
        stage: What was refused.
    """

    def __init__(self, stage: Stage, message: str) -> None:
        super().__init__(message)
        self.stage = stage


class Guard(Protocol):
    """Checks the texts of one turn."""

    @property
    def holds_output(self) -> bool:
        """Whether nothing that a model wrote may go out before it was checked."""
        ...

    @property
    def bedrock(self) -> dict[str, str] | None:
        """The guardrail that Bedrock applies by itself: ``{"id", "version"}``."""
        ...

    async def incoming(self, text: str) -> Checked:
        """Check what a caller sent."""
        ...

    def remembered(self, text: str) -> str:
        """Return a text of an earlier turn with masks: rules may be newer than what was remembered."""
        ...

    async def tool_result(self, text: str) -> Checked:
        """Check what a skill returned, before the model reads it."""
        ...

    async def outgoing(self, text: str) -> Checked:
        """Check what is answered."""
        ...

    def shown(self, text: str) -> str:
        """Return a skill's arguments or result as the caller and the chat memory may have it."""
        ...

    def restored(self, text: str) -> str:
        """Put the originals back in place of the masks, where a rule allows it; for the caller only."""
        ...
