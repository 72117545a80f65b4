"""Export: all that is stored of a tenant, as ZIP archives for whoever asks for their data.

Made in the background, archive by archive, for a tenant may have more than one call can read. Secrets are left out:
hashes of keys, links to files, what the gateway knows the tenant by.
"""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict
from ulid import ULID

from smyth.platform.tenants import Tenants
from smyth.platform.times import Clock, utc_now

#: How long archives are kept, and how long a link to one holds.
KEPT = timedelta(days=7)
LINK_SECONDS = 3_600
#: An archive ends once so much is in it; small enough for the memory of the function that makes it. Objects that are
#: larger are in no archive, but have links of their own.
ARCHIVE_BYTES = 32 << 20
_OBJECTS_AT_ONCE = 20

Phase = Literal["items", "objects", "done"]
Record = dict[str, Any]


class Export(BaseModel):
    """How far an export has come."""

    model_config = ConfigDict(frozen=True)

    id: str
    tenant_id: str
    requested_at: datetime
    phase: Phase = "items"
    #: Where in its phase it goes on.
    cursor: str = ""
    archives: int = 0
    finished_at: datetime | None = None


class ExportStore(Protocol):
    """Where exports wait, and what they read and write."""

    def get(self, tenant_id: str) -> Export | None:
        """Return the tenant's latest export."""
        ...

    def save(self, export: Export, kept_until: datetime) -> None:
        """Write how far it has come."""
        ...

    def waiting(self) -> Iterable[Export]:
        """Yield the exports that are not finished."""
        ...

    def records(self, tenant_id: str, cursor: str) -> tuple[list[Record], str]:
        """Return what a page of the table holds of the tenant, and where the next one begins, empty at the end."""
        ...

    def objects(self, tenant_id: str, after: str, limit: int) -> list[str]:
        """Return the names of the tenant's objects behind one, in order, without those too large for an archive."""
        ...

    def large_objects(self, tenant_id: str) -> list[str]:
        """Return the names of the objects that are too large for an archive."""
        ...

    def read(self, tenant_id: str, name: str) -> bytes | None:
        """Return an object's content; None when it is gone meanwhile."""
        ...

    def write(self, export: Export, number: int, archive: bytes) -> None:
        """Store an archive, to be kept as long as exports are."""
        ...

    def link(self, export: Export, number: int, seconds: int) -> str:
        """Return an address that gives an archive to whoever has it."""
        ...

    def object_link(self, tenant_id: str, name: str, seconds: int) -> str:
        """Return an address that gives an object to whoever has it."""
        ...


class Exports:
    """The use cases of exports."""

    def __init__(self, store: ExportStore, tenants: Tenants, clock: Clock = utc_now) -> None:
        self._store = store
        self._tenants = tenants
        self._now = clock

    def ask(self, tenant_id: str, *, anew: bool = False) -> tuple[Export, list[str]]:
        """Return the tenant's export with links to all of it; begin one where there is none that is kept.

        Args:
            tenant_id: Whose data.
            anew: Begin another one though one is finished.

        Raises:
            NotFound: There is no such tenant.
        """
        tenant = self._tenants.get(tenant_id)
        export, now = self._store.get(tenant.id), self._now()
        finished = export.finished_at if export else None
        if export is None or (finished is not None and (anew or finished + KEPT <= now)):
            export = Export(id=str(ULID()).lower(), tenant_id=tenant.id, requested_at=now)
            self._store.save(export, now + KEPT)
        if export.finished_at is None:
            return export, []
        links = [self._store.link(export, number, LINK_SECONDS) for number in range(1, export.archives + 1)]
        large = self._store.large_objects(tenant.id)
        return export, links + [self._store.object_link(tenant.id, name, LINK_SECONDS) for name in large]

    def go_on(self, in_time: Callable[[], bool]) -> int:
        """Make archives while there is time; return how many exports are finished now."""
        finished = 0
        for export in list(self._store.waiting()):
            while export.finished_at is None and in_time():
                export = self._archive(export, in_time)
            finished += export.finished_at is not None
        return finished

    def _archive(self, export: Export, in_time: Callable[[], bool]) -> Export:
        """Make one archive. It is stored before the progress is, so one that is made again replaces itself."""
        content = io.BytesIO()
        number = export.archives + 1
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
            while export.phase != "done" and content.tell() < ARCHIVE_BYTES and in_time():
                step = self._add_records if export.phase == "items" else self._add_objects
                export = step(export, archive)
        now = self._now()
        if archive.namelist():
            self._store.write(export, number, content.getvalue())
            export = export.model_copy(update={"archives": number})
        if export.phase == "done":
            export = export.model_copy(update={"finished_at": now})
        self._store.save(export, now + KEPT)
        return export

    def _add_records(self, export: Export, archive: zipfile.ZipFile) -> Export:
        found, cursor = self._store.records(export.tenant_id, export.cursor)
        if found:
            lines = [json.dumps(record, default=_as_text, ensure_ascii=False) for record in found]
            archive.writestr(f"records-{len(archive.namelist()) + 1:04d}.jsonl", "\n".join(lines) + "\n")
        return export.model_copy(update={"cursor": cursor, "phase": "items" if cursor else "objects"})

    def _add_objects(self, export: Export, archive: zipfile.ZipFile) -> Export:
        names = self._store.objects(export.tenant_id, export.cursor, _OBJECTS_AT_ONCE)
        if not names:
            return export.model_copy(update={"cursor": "", "phase": "done"})
        taken = 0
        for name in names:
            content = self._store.read(export.tenant_id, name)
            export = export.model_copy(update={"cursor": name})
            if content is not None:
                archive.writestr(f"objects/{name}", content)
                taken += len(content)
            if taken >= ARCHIVE_BYTES:
                break
        return export


def public_record(item: Mapping[str, Any], tenant_id: str) -> Record | None:
    """Return an item of the table without secrets; None where it is nothing else, or only for the machinery."""
    partition = item["pk"].removeprefix(f"T#{tenant_id}")
    if partition.startswith("FILE-LINK#") or partition == "#I" or item["sk"].startswith("TOKEN#"):
        return None
    hidden = {"pk", "sk", "v", "sha256", "usage_identifier", "lease_pk", "lease_sk"}
    if not item["pk"].startswith("T#"):  # Here the key of the item is the secret.
        return {"partition": partition.partition("#")[0]} | _without(item, hidden)
    return {"partition": partition, "key": item["sk"]} | _without(item, hidden)


def _without(item: Mapping[str, Any], hidden: set[str]) -> Record:
    return {name: value for name, value in item.items() if name not in hidden and "secret" not in name}


def _as_text(value: Any) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)
