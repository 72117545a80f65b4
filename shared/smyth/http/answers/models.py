"""What answers tell of models."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """A model that agents may name; one of the tenant's ``own`` has more members."""

    model_config = ConfigDict(extra="allow")

    name: str
    own: bool
    provider: str
    model: str
    context_window: int
    max_output: int
    interface: str
    features: list[str]
