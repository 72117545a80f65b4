"""DataSourceIndexer: store a text to be found by meaning."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field

from smyth.components._filling import filled
from smyth.components.base import Call, Component, ComponentError, Port
from smyth.components.base import Settings as BaseSettings
from smyth.connectors.knowledge.knowledge import Source
from smyth.values import convert, parse_whole

_URL = re.compile(r"\s*https?://\S+\s*", re.IGNORECASE)


class Settings(BaseSettings):
    """Settings of DataSourceIndexer."""

    namespace: str = Field("", max_length=50, description="Data space to store in; it is made when it is first used.")
    id: str = Field(
        min_length=1,
        max_length=2_000,
        description="Names the source: letters, digits, hyphens, underscores and dots. {{name}} stands for an input.",
    )
    name: str = Field("", max_length=50, description="Label of the source; {{name}} stands for an input.")
    metadata: Annotated[str, Field(max_length=10_000)] | dict[str, Any] = Field(
        "", description="Comes back with what is found; JSON or text."
    )
    chunk_size: int | str | None = Field(1000, alias="chunkSize", description="Of version 2; not used.")
    chunk_overlap: int | str | None = Field(100, alias="chunkOverlap", description="Of version 2; not used.")
    version: Literal["v1", "v2", ""] | None = Field("v1", description="Form of these settings; only told.")


class DataSourceIndexer(Component):
    """Stores a text in a namespace, in the place of an earlier one with its id (COMPONENTS section 8)."""

    name = "DataSourceIndexer"
    title = "RAG Remember"
    summary = "Stores a text so that RAG Search finds its pieces by meaning."
    Settings = Settings
    inputs = (Port("Source", "Text", "The text to store."),)
    outputs = (Port("Success", "Object", "Tells that the text is stored, and its id."),)
    custom_inputs = True

    async def run(self, call: Call) -> dict[str, Any]:
        """Split the text, embed its pieces and store them."""
        settings: Settings = call.settings
        text = convert(call.inputs.get("Source"), "Text")
        if not isinstance(text, str):
            raise ComponentError("There is no text to remember. Connect the input Source to something that gives text.")
        if _URL.fullmatch(text):
            raise ComponentError("URLs are not supported yet")
        source = Source(filled(settings.id, call).strip(), text, filled(settings.name, call), _metadata(call))
        run = call.run
        await run.ports.knowledge.remember(run.team_id, settings.namespace, source, use=run.usage.extend)
        return {"Success": {"result": True, "id": source.id}}


def _metadata(call: Call) -> Any:
    """Return the metadata with the inputs filled in: an object where it is one, else the text."""
    given = call.settings.metadata
    if isinstance(given, dict):
        return given
    text = filled(given, call)
    read = parse_whole(text)
    return read if isinstance(read, dict) else text
