"""What a run may use up, and the error that ends one."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

#: Runs of one component in one run, or in one iteration of a loop (ENGINE section 3).
CIRCULAR_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one run; the defaults stop what has run away and nothing else."""

    #: Component runs, those inside loops included.
    components: int = 1_000_000
    #: Loops inside loops.
    nesting: int = 16
    #: All outputs of all components together, about as long as they are in JSON.
    output_bytes: int = 64 * 1024 * 1024
    #: Wall time.
    seconds: float = 900
    #: The part of it in which background branches must be done, whose end is not worth a lost answer; None: all of it.
    branch_seconds: float | None = None
    #: Whether ``{{name}}`` inside what a caller sent is filled with agent variables (compat README, quirk 22).
    expand_caller_data: bool = True


class RunError(Exception):
    """The whole run ends here; the caller gets the message (ENGINE section 7).

    Attributes:
        details: What stands beside the message, such as the id and name of the component at fault.
    """

    def __init__(self, message: str, **details: str) -> None:
        super().__init__(message)
        self.details = details


class Meter:
    """Counts what one run uses against its limits."""

    __slots__ = ("_bytes", "_components", "_deadline", "limits")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._components = limits.components
        self._bytes = limits.output_bytes
        self._deadline = time.monotonic() + limits.seconds

    def count_component(self) -> None:
        """Count one component run.

        Raises:
            RunError: One too many, or too late.
        """
        self._components -= 1
        if self._components < 0:
            told = f"The run was ended after {self.limits.components:,} component runs."
            raise RunError(f"{told} Loop over fewer items. {raised_by('components')}")
        if time.monotonic() > self._deadline:
            raise out_of_time(self.limits)

    def count_output(self, outputs: dict[str, Any]) -> None:
        """Count the size of what a component put out.

        Raises:
            RunError: It is too much.
        """
        self._bytes -= size_of(outputs, self._bytes)
        if self._bytes < 0:
            raise RunError(
                f"The run was ended because its components put out more than {self.limits.output_bytes:,} bytes. "
                f"Pass smaller values. {raised_by('output_bytes')}"
            )


def out_of_time(limits: Limits) -> RunError:
    """Return the error of a run that took too long."""
    told = f"The run was ended after {limits.seconds:g} seconds."
    return RunError(f"{told} Split the work into smaller runs. {raised_by('seconds')}")


def raised_by(limit: str) -> str:
    """Return who can raise a limit; it is named as :class:`Limits` and a stack's settings name it."""
    return f'The operator of the service can raise the limit "{limit}" for all or for your plan.'


def size_of(value: Any, enough: int) -> int:
    """Return about how long ``value`` is in JSON, or something over ``enough`` once it is past that.

    Values may share parts and so be exponentially larger than the memory they take: the walk stops in time.
    """
    size = 0
    pending = [value]
    while pending and size <= enough:
        part = pending.pop()
        if isinstance(part, str):
            size += len(part)
        elif isinstance(part, dict):
            size += 8 * len(part)
            pending.extend(part.values())
        elif isinstance(part, list):
            size += 2 * len(part)
            pending.extend(part)
        else:
            size += 8
    return size
