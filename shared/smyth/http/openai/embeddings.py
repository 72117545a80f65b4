"""``POST /v1/embeddings``: vectors from the embedding model of the stack."""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from smyth.connectors.models.port import ModelError, Usage
from smyth.http.billing import Charge
from smyth.http.caller import Caller
from smyth.http.openai.errors import refused
from smyth.http.openai.wanted import readable
from smyth.http.problems import Problem
from smyth.http.services import services
from smyth.http.turns import problem_of

#: The name by which the stack's model may be called, whatever it is.
ALIAS = "default"


class EmbeddingRequest(BaseModel):
    """Texts to embed."""

    model_config = ConfigDict(extra="allow")

    model: str = Field(min_length=1, max_length=300, description='The stack\'s embedding model, or "default".')
    input: str | Annotated[list[Any], Field(min_length=1, max_length=2_048)]
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: int | None = Field(default=None, ge=1, le=8_192)

    def texts(self) -> list[str]:
        """Return the texts.

        Raises:
            Problem: 400, one is empty or no text.
        """
        texts = [self.input] if isinstance(self.input, str) else self.input
        for at, text in enumerate(texts):
            param = "input" if isinstance(self.input, str) else f"input.{at}"
            if not isinstance(text, str):
                raise refused(param, "Send text: tokens mean something else to every model.")
            if not text.strip():
                raise refused(param, "The text is empty. Send text.")
            readable(text, param)
        return texts


async def embeddings(caller: Caller, asked: EmbeddingRequest, charge: Charge) -> dict[str, Any]:
    """Return the vectors of the texts.

    Raises:
        Problem: The stack has no such model, or the model failed.
    """
    texts = asked.texts()
    gateway = services().embeddings
    if gateway is None:
        raise _unknown("This stack has no embedding model. Its operator can choose one: embedding_model.")
    model, *others = gateway.names
    if asked.model.lower() not in {ALIAS, model.lower(), *map(str.lower, others)}:
        raise _unknown(f'The embedding model here is "{model}"; name it, or "{ALIAS}".')
    try:
        embedded = await gateway.view(charge.allowance).embed(
            texts, team_id=caller.tenant_id, dimensions=asked.dimensions
        )
    except ModelError as error:
        if error.reached_provider:
            charge.use([Usage(model)])
        raise problem_of(error) from None
    charge.use(embedded.usage)
    if asked.dimensions not in (None, len(embedded.vectors[0])):
        raise refused("dimensions", f'The model "{model}" gives {len(embedded.vectors[0])} dimensions only.')
    tokens = sum(usage.input_tokens for usage in embedded.usage)
    packed = asked.encoding_format == "base64"
    return {
        "object": "list",
        "model": model,
        "data": [
            {"object": "embedding", "index": at, "embedding": _packed(vector) if packed else list(vector)}
            for at, vector in enumerate(embedded.vectors)
        ],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def _unknown(detail: str) -> Problem:
    return Problem(404, "model_not_found", detail, [{"in": "body", "field": "model", "message": detail}])


def _packed(vector: Sequence[float]) -> str:
    """Return a vector as little-endian 32-bit floats in base64, as OpenAI's clients ask for it by themselves."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
