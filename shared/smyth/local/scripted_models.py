"""The model provider that the laptop cloud carries, so that every agent can be tried without a key.

It lives in threads of ``smyth dev`` itself, and so ends with it, however that ends.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from smyth.local.assembly import Assembly
from smyth.local.folder import DataFolder
from smyth.testing import ModelServer

#: It may run for weeks; this many requests are enough to look at.
_KEEP_REQUESTS = 100


@contextmanager
def model_server(folder: DataFolder) -> Iterator[ModelServer]:
    """Serve scripted models, on the port of the last start where that is free.

    The deployed functions know the address: with another one the stack must be deployed anew.
    """
    port = folder.read_settings().get("model_server_port", 0)
    try:
        server = ModelServer(port=port, keep=_KEEP_REQUESTS)
    except OSError:
        server = ModelServer(keep=_KEEP_REQUESTS)
    if server.port != port:
        folder.remember(model_server_port=server.port, deployed="")
    with server:
        yield server


def entries(server_url: str) -> dict[str, dict[str, str]]:
    """What the catalogue of models shall say of the scripted ones, as in ``SMYTH_MODELS``."""
    openai = {"provider": "OpenAI", "base_url": f"{server_url}/v1"}
    anthropic = {"provider": "Anthropic", "base_url": server_url}
    return {
        "scripted": {**openai, "model": "scripted"},
        "scripted-claude": {**anthropic, "model": "scripted-claude"},
    }


def with_scripted_models(assembly: Assembly, server_url: str) -> Assembly:
    """The stack whose functions know the scripted models besides their own, and embed with one of them."""
    template: dict[str, Any] = copy.deepcopy(assembly.template)
    for resource in template["Resources"].values():
        variables = resource.get("Properties", {}).get("Environment", {}).get("Variables", {})
        if "SMYTH_MODELS" in variables:
            own = json.loads(variables["SMYTH_MODELS"] or "{}")
            variables["SMYTH_MODELS"] = json.dumps({**entries(server_url), **own})
            if not variables.get("SMYTH_EMBEDDING_MODEL"):
                embedding = {"provider": "OpenAI", "model": "scripted-embedding", "base_url": f"{server_url}/v1"}
                variables["SMYTH_EMBEDDING_MODEL"] = json.dumps(embedding)
    return replace(assembly, template=template)
