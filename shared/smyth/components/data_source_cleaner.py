"""DataSourceCleaner: forget a stored text."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from smyth.components._filling import filled
from smyth.components.base import Call, Component, Port
from smyth.components.base import Settings as BaseSettings


class Settings(BaseSettings):
    """Settings of DataSourceCleaner."""

    namespace_id: str = Field("", alias="namespaceId", max_length=50, description="Data space to delete from.")
    id: str = Field(min_length=1, max_length=2_000, description="The source; {{name}} stands for an input.")
    version: Literal["v1", "v2", ""] | None = Field("v1", description="Form of these settings; only told.")


class DataSourceCleaner(Component):
    """Deletes one source from a namespace (COMPONENTS section 8)."""

    name = "DataSourceCleaner"
    title = "RAG Forget"
    summary = "Deletes a stored text."
    Settings = Settings
    outputs = (Port("Success", "Boolean", "True when nothing of the source is left."),)
    custom_inputs = True

    async def run(self, call: Call) -> dict[str, Any]:
        """Delete all pieces of the source."""
        settings: Settings = call.settings
        await call.run.ports.knowledge.forget(
            call.run.team_id, settings.namespace_id, filled(settings.id, call).strip()
        )
        return {"Success": True}
