"""Files that were uploaded: what there are, where they can be had, and their end."""

from __future__ import annotations

from typing import Any

from smyth.http.answers.files import FilePage, FileWithAddress
from smyth.http.app import create_app, lambda_handler
from smyth.http.caller import TenantCaller
from smyth.http.paging import Cursor, Limit, page, read_cursor
from smyth.http.services import services
from smyth.platform.file_records import File, is_file_key
from smyth.platform.times import rfc3339

app = create_app("files")


@app.get("/api/storage", response_model=FilePage)
def listing(caller: TenantCaller, limit: Limit = 20, cursor: Cursor = "") -> dict[str, Any]:
    """List the tenant's uploaded files, oldest first, and tell what they take up."""
    found, place = services().files.page(caller.tenant_id, limit=limit, after=read_cursor(cursor, is_file_key))
    most = services().meter.terms(caller.plan, dict(caller.limits))[1].storage_bytes
    use = {"used_bytes": services().files.used(caller.tenant_id), "limit_bytes": most}
    return page([_view(file) for file in found], place) | {"storage": use}


@app.get("/api/storage/{key}", response_model=FileWithAddress)
def get(caller: TenantCaller, key: str) -> dict[str, Any]:
    """Tell of a file, with an address that gives it for an hour."""
    return _with_address(caller.tenant_id, services().files.get(caller.tenant_id, key))


@app.post("/api/storage/{key}/complete", response_model=FileWithAddress)
def complete(caller: TenantCaller, key: str) -> dict[str, Any]:
    """Make a file of the parts that were sent; once it is made, this answers the same again."""
    return _with_address(caller.tenant_id, services().files.finish(caller.tenant_id, key))


@app.delete("/api/storage/{key}", status_code=204)
def delete(caller: TenantCaller, key: str) -> None:
    """Delete a file, or give up one that is on its way."""
    services().files.delete(caller.tenant_id, key)


def _with_address(tenant_id: str, file: File) -> dict[str, Any]:
    stored = file.status == "stored"
    return _view(file) | {"url": services().files.download_url(tenant_id, file) if stored else None}


def _view(file: File) -> dict[str, Any]:
    shown = file.model_dump(include={"key", "name", "size", "content_type", "status", "reason", "created_by"})
    ends = None if file.ends_at is None else rfc3339(file.ends_at)
    return shown | {"created_at": rfc3339(file.created_at), "ends_at": ends}


handler = lambda_handler(app)
