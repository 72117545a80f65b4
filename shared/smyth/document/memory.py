"""The member ``memory`` of a document: how long its conversations are kept, and whether long ones are summarised.

The original does not know the member and ignores it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from smyth.document.findings import Finding
from smyth.document.model import Document

MEMBER = "memory"


class MemorySettings(BaseModel):
    """How an agent remembers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    keep_days: int = Field(default=90, ge=1, le=365, description="How long a turn is kept.")
    summary: bool = Field(default=False, description="Sum up the oldest turns when they no longer fit into the window.")
    summary_model: str | dict[str, Any] | None = Field(default=None, description="Who sums up; by default who answers.")


def memory_of(document: Document) -> MemorySettings:
    """Return a document's settings; what cannot be used counts as absent, as the finding says."""
    try:
        return MemorySettings.model_validate({} if (source := memory_source(document)) is None else source)
    except ValidationError:
        return MemorySettings()


def memory_findings(document: Document) -> Iterator[Finding]:
    """Warn of settings that cannot be used."""
    try:
        MemorySettings.model_validate({} if (source := memory_source(document)) is None else source)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, one['loc'])) or MEMBER}: {one['msg']}" for one in error.errors()[:3])
        told = f"The memory settings cannot be used ({faults}). The usual ones apply until they are mended."
        yield Finding("warning", "memory_unusable", told, MEMBER)


def memory_source(document: Document) -> Any:
    """Return the member as it was read; None where the document has none."""
    return (document.model_extra or {}).get(MEMBER)
