"""Files that are handed to OpenAI before the request that speaks of them (PROTOCOL section 2.8)."""

from __future__ import annotations

import binascii
import mimetypes
import re
import time
from base64 import b64decode
from collections import OrderedDict
from hashlib import sha256
from typing import Any

_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+);base64,(.*)", re.DOTALL)
#: A tool round later the same file is needed again; OpenAI deletes it after the hour.
_KEPT_FOR_S = 1800.0
_DELETED_AFTER_S = 3600
_KEPT = 256


class Uploads:
    """Hands files in, each once; one key never gets to see the files of another."""

    def __init__(self) -> None:
        self._ids: OrderedDict[str, tuple[float, str]] = OrderedDict()

    async def id_of(self, client: Any, data_url: str, name: str, *, purpose: str) -> str | None:
        """Return the id of a file; None where it has to go along with the request.

        Args:
            client: OpenAI's client, with the key of the request.
            data_url: The file.
            name: What to call it; its ending comes from the type where it has none.
            purpose: OpenAI's word for what files are used for.
        """
        found = _DATA_URL.fullmatch(data_url)
        if found is None:
            return None
        mark = sha256(f"{client.base_url}\n{client.api_key}\n{purpose}\n{data_url}".encode()).hexdigest()
        until, kept = self._ids.get(mark, (0.0, ""))
        if time.monotonic() < until:
            return kept
        if "." not in name:
            name += mimetypes.guess_extension(found[1]) or ""
        id = await _handed_in(client, (name, found[2], found[1]), purpose)
        if id is None:
            return None
        self._ids[mark] = (time.monotonic() + _KEPT_FOR_S, id)
        while len(self._ids) > _KEPT:
            self._ids.popitem(last=False)
        return id


async def _handed_in(client: Any, file: tuple[str, str, str], purpose: str) -> str | None:
    """Upload a file; servers that only speak the Responses interface have no place for files."""
    import openai

    name, content, kind = file
    try:
        uploaded = await client.files.create(
            file=(name, b64decode(content, validate=True), kind),
            purpose=purpose,
            expires_after={"anchor": "created_at", "seconds": _DELETED_AFTER_S},
        )
    except (openai.OpenAIError, binascii.Error):
        return None
    return uploaded.id or None
