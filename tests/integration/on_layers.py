"""Runs functions, or asks models, with nothing but layers to import from: the child of test_pruned_layer.py.

Started as ``python -S -I on_layers.py JOB``: the JOB file names the folders to import from and what to do; a line of
JSON per piece of work is the answer. The tests' own packages are out of reach here.
"""

import asyncio
import importlib.util
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any


def main() -> None:
    """Do the job and tell what came of it."""
    job = json.loads(Path(sys.argv[1]).read_text())
    standard = [*sys.path[1:], sys.prefix, sys.base_prefix]
    sys.path[:] = [*job["folders"], *sys.path[1:]]
    for function, event in job.get("events", {}).items():
        tell(function, lambda function=function, event=event: invoke(Path(job["functions"]), function, event))
    for name, asked in job.get("models", {}).items():
        tell(name, lambda asked=asked: asyncio.run(ask(**asked)))
    for name, asked in job.get("embeddings", {}).items():
        tell(name, lambda asked=asked: asyncio.run(embed(**asked)))
    allowed = tuple(str(folder) for folder in (*job["folders"], job["functions"], *standard, __file__))
    files = {name: getattr(module, "__file__", None) for name, module in list(sys.modules.items())}
    strangers = {name: file for name, file in files.items() if file and not file.startswith(allowed)}
    print(json.dumps({"strangers": strangers, "imported": sorted(name for name in files if "." not in name)}))


def tell(name: str, work: Any) -> None:
    """Print what the work gave, or how it failed."""
    try:
        answer = {"name": name, "answer": work()}
    except Exception as error:
        answer = {"name": name, "answer": {"error": f"{type(error).__name__}: {error}"}}
    print(json.dumps(answer))


def invoke(functions: Path, function: str, event: Any) -> Any:
    """Call a function's handler as Lambda would."""
    spec = importlib.util.spec_from_file_location(f"handler_of_{function}", functions / function / "handler.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    context = SimpleNamespace(
        function_name=function,
        memory_limit_in_mb=512,
        invoked_function_arn=f"arn:aws:lambda:us-east-1:000000000000:function:{function}",
        aws_request_id="request-1",
        get_remaining_time_in_millis=lambda: 20_000,
    )
    return module.handler(event, context)


async def ask(entry: dict[str, Any], environment: dict[str, str], secrets: dict[str, str], **request: Any) -> Any:
    """Ask a model, by stream as every caller does, and return what came."""
    from smyth.connectors.models.catalog import Catalog, ModelEntry
    from smyth.connectors.models.gateway import ModelGateway
    from smyth.connectors.models.port import ModelRequest, Text, complete
    from smyth.connectors.vault.memory import MemoryVault

    catalog = Catalog({"tested": ModelEntry.model_validate(entry)})
    models = ModelGateway(catalog, MemoryVault({"default": secrets}), environment=environment, retries=0)
    asked = ModelRequest(model="tested", **request)
    pieces = [event.text async for event in models.stream(asked) if isinstance(event, Text)]
    reply = await complete(models, asked)
    calls = [[call.name, call.arguments] for call in reply.tool_calls]
    return {"pieces": pieces, "text": reply.text, "calls": calls, "cost": reply.usage.cost_micro_usd}


async def embed(entry: dict[str, Any], texts: list[str]) -> Any:
    """Embed texts and search among them."""
    from smyth.connectors.embeddings.gateway import EmbeddingGateway, read_embedding_model
    from smyth.connectors.vault.memory import MemoryVault

    model = read_embedding_model(json.dumps(entry))
    embedded = await EmbeddingGateway(model, MemoryVault({}), environment={}).embed(texts, team_id="ten-a")
    return [list(vector) for vector in embedded.vectors]


if __name__ == "__main__":
    main()
