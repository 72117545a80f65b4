"""DataSourceLookup: find stored texts by meaning."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from smyth.components.base import Call, Component, ComponentError, Port
from smyth.components.base import Settings as BaseSettings
from smyth.connectors.knowledge.documents import metadata_of
from smyth.connectors.vectors.port import Hit
from smyth.values import convert

#: What the store is asked for at least, before the threshold.
_LEAST_CANDIDATES = 50


class Settings(BaseSettings):
    """Settings of DataSourceLookup."""

    namespace: str = Field("", max_length=80, description="Data space to search.")
    top_k: int = Field(3, alias="topK", ge=0, le=1_000, description="Most results.")
    include_metadata: bool = Field(False, alias="includeMetadata", description="Give each result's metadata too.")
    include_score: bool = Field(False, alias="includeScore", description="Give each result's nearness too, up to 1.")
    score_threshold: Annotated[float, BeforeValidator(lambda value: 0.001 if value in (None, "") else value)] = Field(
        0.001, alias="scoreThreshold", ge=0, le=1, description="Leave out what is less near than this."
    )
    model: str | None = Field(None, description="Of old documents; not used.")
    prompt: str | None = Field(None, description="Of old documents; not used.")
    postprocess: bool | None = Field(None, description="Of old documents; not used.")
    version: Literal["v1", "v2", ""] | None = Field("v1", description="Form of these settings; only told.")


class DataSourceLookup(Component):
    """Finds the stored pieces nearest to a question (COMPONENTS section 8)."""

    name = "DataSourceLookup"
    title = "RAG Search"
    summary = "Finds the stored texts that are nearest in meaning to a question."
    Settings = Settings
    inputs = (Port("Query", "Text", "The question."),)
    outputs = (Port("Results", "Array", "Texts, or objects with content, metadata and score."),)
    custom_outputs = True

    async def run(self, call: Call) -> dict[str, Any]:
        """Embed the question and give what is near enough, best first."""
        settings: Settings = call.settings
        question = convert(call.inputs.get("Query"), "Text")
        if not isinstance(question, str) or not question.strip():
            raise ComponentError("There is no question to search for. Connect the input Query to something with text.")
        run, most = call.run, max(settings.top_k, _LEAST_CANDIDATES)
        hits = await run.ports.knowledge.find(
            run.team_id, settings.namespace, question, top_k=most, use=run.usage.extend
        )
        near = [hit for hit in hits if hit.score >= settings.score_threshold]
        return {"Results": [_result(hit, settings) for hit in near[: settings.top_k]]}


def _result(hit: Hit, settings: Settings) -> Any:
    if not settings.include_metadata and not settings.include_score:
        return hit.text
    result: dict[str, Any] = {"content": hit.text}
    if settings.include_metadata:
        result["metadata"] = metadata_of(hit)
    if settings.include_score:
        result["score"] = hit.score
    return result
