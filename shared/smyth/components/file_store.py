"""FileStore: keep a value as a file and give a link to it."""

from __future__ import annotations

import secrets
from typing import Any

from pydantic import Field

from smyth.components import _files as files
from smyth.components._filling import filled
from smyth.components.base import Call, Component, Port
from smyth.components.base import Settings as BaseSettings
from smyth.connectors.files.port import StoredFile
from smyth.connectors.files.uris import agent_uri, path_of
from smyth.values.media import ending

_DAY = 86_400


class Settings(BaseSettings):
    """Settings of FileStore."""

    name: str = Field("", max_length=1_000, description="Part of the file's name; {{name}} stands for an input.")
    ttl: int = Field(_DAY, ge=1, le=30 * _DAY, description="Seconds that file and link live; usually 1 to 30 days.")


class FileStore(Component):
    """Stores ``Data`` for its time; the link ends with it (COMPONENTS section 4)."""

    name = "FileStore"
    title = "File Store"
    summary = "Stores a value as a file and gives a public link."
    Settings = Settings
    inputs = (Port("Data", "Any", "A file, a URL, base64 or text."),)
    outputs = (Port("Url", "Text", "Link that gives the file to whoever has it."),)

    async def run(self, call: Call) -> dict[str, Any]:
        """Read the data, write the file, make the link."""
        run, seconds = call.run, call.settings.ttl
        file = await files.read(call.inputs.get("Data"), run)
        files.check_size(len(file.content))
        given = files.plain_name(filled(call.settings.name, call))
        name = f"{f'.{given}' if given else ''}{ending(file.mimetype)}"
        unique = secrets.token_hex(16)
        uri = agent_uri(run.agent_id, "components_data", f"{unique}{name}")
        path = path_of(uri, team_id=run.team_id, agent_id=run.agent_id)
        await run.ports.files.write(path, StoredFile(file.content, file.mimetype), seconds=seconds)
        saved_as = name.removeprefix(".") if given else f"file{name}"
        return {"Url": await run.ports.files.link(path, name=saved_as, seconds=seconds)}
