"""Files as resources: what the tenant uploaded, and what the agent stored."""

from __future__ import annotations

import asyncio
import base64
import binascii
import mimetypes
from urllib.parse import quote, unquote

from mcp_types import (
    BlobResourceContents,
    ListResourcesResult,
    ReadResourceResult,
    Resource,
    ResourceTemplate,
    TextResourceContents,
)

from smyth.connectors.files.port import FileError, FileSystem
from smyth.connectors.files.uris import SCHEME, agent_folder, agent_uri, path_of, team_uri
from smyth.http.caller import Caller
from smyth.http.services import services
from smyth.platform.errors import Invalid, NotFound, TooLarge
from smyth.platform.files import DEFAULT_TYPE, MAX_DIRECT_BYTES

#: An upload's address; the key is all that can stand behind it.
UPLOAD_SCHEME = "upload:///"
_PAGE = 100
_TEXTS = ("application/json", "application/xml", "application/yaml", "application/javascript", "image/svg+xml")


class AgentResources:
    """The files of one agent, for one caller."""

    def __init__(self, caller: Caller, agent_id: str, files: FileSystem) -> None:
        self._caller = caller
        self._agent_id = agent_id
        self._files = files

    @property
    def _sees_uploads(self) -> bool:
        """Uploads are the tenant's: a key that is limited to agents is not meant for them."""
        return not self._caller.agents

    async def page(self, cursor: str) -> ListResourcesResult:
        """Return the files behind ``cursor``: uploads first, then what the agent stored for itself.

        Raises:
            Invalid: No list gave this cursor.
        """
        kind, after = _read_cursor(cursor)
        found: list[Resource] = []
        if kind == "upload" and self._sees_uploads:
            found, after = await self._uploads(after)
            if len(found) == _PAGE:
                return ListResourcesResult(resources=found, next_cursor=_cursor("upload", after))
        kept, last = await self._stored("" if kind == "upload" else after, _PAGE - len(found))
        full = len(found) + len(kept) == _PAGE
        return ListResourcesResult(resources=found + kept, next_cursor=_cursor("stored", last) if full else None)

    async def read(self, uri: str) -> ReadResourceResult:
        """Return a file's content.

        Raises:
            NotFound: There is no such file, or the caller may not see it.
            TooLarge: It is too large for one answer.
        """
        if uri.startswith(UPLOAD_SCHEME) and self._sees_uploads:
            key = unquote(uri.removeprefix(UPLOAD_SCHEME))
            read = services().files.read
            file, content = await asyncio.to_thread(read, self._caller.tenant_id, key, most=MAX_DIRECT_BYTES)
            return ReadResourceResult(contents=[_contents(uri, content, file.content_type)])
        stored = await self._files.read(self._path(uri))
        if stored is None:
            raise NotFound(
                f'There is no file "{uri[:200]}". Its time may be over; resources/list names those there are.'
            )
        if len(stored.content) > MAX_DIRECT_BYTES:
            raise TooLarge(
                f"The file has {len(stored.content):,} bytes; up to {MAX_DIRECT_BYTES:,} can be read at once. "
                "Let a skill of the agent give a link to it."
            )
        return ReadResourceResult(contents=[_contents(uri, stored.content, stored.mimetype)])

    def templates(self) -> list[ResourceTemplate]:
        """Return how addresses of files look that skills answer with."""
        return [
            ResourceTemplate(
                name="Files of runs",
                uri_template=team_uri(self._caller.tenant_id, self._agent_id, "{+path}"),
                description="Files that skills answer with; they live for a day.",
            )
        ]

    async def _uploads(self, after: str) -> tuple[list[Resource], str]:
        files = await asyncio.to_thread(services().files.stored, self._caller.tenant_id, after=after, limit=_PAGE)
        found = [
            Resource(name=file.name, uri=UPLOAD_SCHEME + quote(file.key), mime_type=file.content_type, size=file.size)
            for file in files
        ]
        return found, files[-1].key if files else after

    async def _stored(self, after: str, limit: int) -> tuple[list[Resource], str]:
        folder = agent_folder(self._caller.tenant_id, self._agent_id)
        files = await self._files.list_files(folder, after=folder + after if after else "", limit=limit)
        names = [file.path.removeprefix(folder) for file in files]
        found = [
            Resource(
                name=name.rpartition("/")[2],
                uri=agent_uri(self._agent_id, quote(name)),
                mime_type=mimetypes.guess_type(name)[0] or DEFAULT_TYPE,
                size=file.size,
            )
            for name, file in zip(names, files, strict=True)
        ]
        return found, names[-1] if names else after

    def _path(self, uri: str) -> str:
        """Return where the file of ``uri`` is stored: in the agent's own space, or among the files of its runs.

        Raises:
            NotFound: It is no address of this agent's files.
        """
        team_id, agent_id = self._caller.tenant_id, self._agent_id
        try:
            path = path_of(unquote(uri), team_id=team_id, agent_id=agent_id) if uri.startswith(SCHEME) else ""
        except FileError:
            path = ""
        if not path.startswith((agent_folder(team_id, agent_id), f"teams/{team_id}/{agent_id}/")):
            raise NotFound(f'"{uri[:200]}" is no file of this agent. resources/list names those there are.')
        return path


def _contents(uri: str, content: bytes, mimetype: str) -> TextResourceContents | BlobResourceContents:
    kind = mimetype.partition(";")[0].strip().lower()
    if kind.startswith("text/") or kind in _TEXTS or kind.endswith(("+json", "+xml")):
        try:
            return TextResourceContents(uri=uri, mime_type=mimetype, text=content.decode())
        except UnicodeDecodeError:
            pass
    return BlobResourceContents(uri=uri, mime_type=mimetype, blob=base64.b64encode(content).decode())


def _cursor(kind: str, after: str) -> str:
    return base64.urlsafe_b64encode(f"{kind} {after}".encode()).decode()


def _read_cursor(cursor: str) -> tuple[str, str]:
    if not cursor:
        return "upload", ""
    try:
        kind, _, after = base64.urlsafe_b64decode(cursor).decode().partition(" ")
    except (binascii.Error, ValueError):
        kind = after = ""
    if kind not in ("upload", "stored"):
        raise Invalid("The cursor is not one that this list gave. Leave it out to begin at the first page.")
    return kind, after
