"""Files for models: from the values of inputs to parts of a message (COMPONENTS section 2)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from smyth.components import _files as files
from smyth.components.base import Call, ComponentError
from smyth.connectors.files.memory import data_url
from smyth.connectors.files.port import FileError, StoredFile
from smyth.connectors.models.echo import ECHO
from smyth.connectors.models.port import Message, ModelError
from smyth.values import InvalidValue, truthy

_UNREADABLE = "Unable to process the provided file(s). Give files, data URLs, or http(s) addresses of files"


async def question(call: Call, prompt: str, values: Iterable[Any]) -> Message:
    """Return the user message with ``prompt`` and the files that ``values`` are or name; lists of them count too.

    Files of kinds that the model does not read are left out while one of another kind is left. Echo gets none.

    Raises:
        ComponentError: There is no file among the values, none that the model reads, or one cannot be had.
    """
    given = [value for value in _flat(values) if truthy(value)]
    if not given or call.settings.model == ECHO:
        return {"role": "user", "content": prompt}
    try:
        found = [await files.read(value, call.run) for value in given]
        kinds = call.run.ports.models.limits(call.settings.model).media
    except (FileError, InvalidValue) as error:
        raise ComponentError(f"{_UNREADABLE}. {error}") from error
    except ModelError as error:
        raise ComponentError(str(error)) from error
    parts = [
        part(file.mimetype, data_url(StoredFile(file.content, file.mimetype)), file.name)
        for file in found
        if file.mimetype.startswith(kinds)
    ]
    if not parts:
        types = ", ".join(dict.fromkeys(file.mimetype for file in found))
        model = call.settings.model
        name = model if isinstance(model, str) else model.get("model") or model.get("modelId")
        raise ComponentError(
            f"Model '{name}' does not support the provided file type(s): {types}. Supported: {', '.join(kinds)}."
        )
    return {"role": "user", "content": [{"type": "text", "text": prompt}, *parts]}


def _flat(values: Iterable[Any]) -> list[Any]:
    return [item for value in values for item in (_flat(value) if isinstance(value, list) else [value])]


def part(mimetype: str, url: str, name: str) -> dict[str, Any]:
    """Return the part of a message that shows a file, in OpenAI's form; LiteLLM turns it into other providers'."""
    if mimetype.startswith("image/"):
        return {"type": "image_url", "image_url": {"url": url}}
    return {"type": "file", "file": {"file_data": url, "filename": name or "file"}}
