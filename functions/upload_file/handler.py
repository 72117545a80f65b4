"""Keeps a small file that comes with the request, or tells how to upload a large one."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import UploadFile

from smyth.http.answers.files import Uploaded
from smyth.http.app import create_app, lambda_handler
from smyth.http.caller import Caller, TenantCaller
from smyth.http.idempotency import Seed, once
from smyth.http.services import services
from smyth.platform.errors import Invalid, TooLarge
from smyth.platform.file_names import media_type
from smyth.platform.file_records import File
from smyth.platform.files import (
    DEFAULT_TYPE,
    MAX_DIRECT_BYTES,
    PART_BYTES,
    PlannedUpload,
    new_file,
)
from smyth.platform.times import utc_now

_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary", "description": "Up to 4 MiB."},
                        "ttl": {"type": "integer", "description": "Seconds that it is kept; else until it is deleted."},
                    },
                }
            },
            "application/json": {"schema": PlannedUpload.model_json_schema()},
        },
    }
}


app = create_app("storage upload")


@app.post("/api/storage/upload", status_code=201, response_model=Uploaded, openapi_extra=_BODY)
async def upload_file(request: Request, caller: TenantCaller) -> Response:
    body = await request.body()
    if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        sent, ttl = await _form(request)
        return await _keep(request, caller, sent, ttl)
    return await _expect(request, caller, _planned(body))


async def _keep(request: Request, caller: Caller, sent: UploadFile, ttl: str | None) -> Response:
    """Store what was sent."""
    content = await sent.read()
    if len(content) > MAX_DIRECT_BYTES:
        raise TooLarge(
            f"A file of {len(content)} bytes is too large to be sent through here; {MAX_DIRECT_BYTES} are allowed. "
            'Send {"name", "size", "content_type"} as JSON instead, and upload the file to the address in the answer.'
        )
    fields = {"name": sent.filename or "", "size": len(content), "content_type": _type_of(sent)}
    try:
        planned = PlannedUpload.model_validate(fields | ({} if ttl is None else {"ttl": ttl}))
    except ValidationError as error:
        raise Invalid(error.errors()[0]["msg"].removeprefix("Value error, ")) from None

    def store(seed: Seed) -> dict[str, Any]:
        file = _new(planned, seed, caller)
        services().files.store(caller.tenant_id, file, content, limit=_limit(caller))
        return _view(file) | {"status": "stored"}

    def address(seed: Seed) -> dict[str, Any]:
        return {"url": services().files.download_url(caller.tenant_id, _new(planned, seed, caller))}

    return await once(request, caller.tenant_id, store, hidden=address)


async def _expect(request: Request, caller: Caller, planned: PlannedUpload) -> Response:
    """Tell how to upload what is planned."""

    def expect(seed: Seed) -> dict[str, Any]:
        file = _new(planned, seed, caller)
        services().files.expect(caller.tenant_id, file, limit=_limit(caller))
        return _view(file)

    def upload(seed: Seed) -> dict[str, Any]:
        file = _new(planned, seed, caller)
        wanted = [asdict(one) for one in services().files.uploads(caller.tenant_id, file)]
        if file.size <= PART_BYTES:
            return {"upload": wanted[0]}
        complete = f"/api/storage/{file.key}/complete"
        return {"multipart": {"part_bytes": PART_BYTES, "parts": wanted, "complete": complete}}

    return await once(request, caller.tenant_id, expect, hidden=upload)


def _new(planned: PlannedUpload, seed: Seed, caller: Caller) -> File:
    return new_file(
        planned.name,
        planned.size,
        planned.content_type,
        ulid=seed.ulid,
        by=caller.key_id,
        now=utc_now(),
        ttl=planned.ttl,
    )


def _limit(caller: Caller) -> int | None:
    return services().meter.terms(caller.plan, dict(caller.limits))[1].storage_bytes


async def _form(request: Request) -> tuple[UploadFile, str | None]:
    form = await request.form(max_files=1, max_fields=10)
    sent, ttl = form.get("file"), form.get("ttl")
    if not isinstance(sent, UploadFile):
        raise Invalid('The form holds no file. Send it as the field "file", with a file name.')
    return sent, ttl if isinstance(ttl, str) else None


def _planned(body: bytes) -> PlannedUpload:
    try:
        return PlannedUpload.model_validate_json(body)
    except ValidationError as error:
        faults = [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors()]
        raise RequestValidationError(faults) from None


def _type_of(sent: UploadFile) -> str:
    """Return the type that came with the file where it can be used."""
    try:
        return media_type(sent.content_type or DEFAULT_TYPE)
    except ValueError:
        return DEFAULT_TYPE


def _view(file: File) -> dict[str, Any]:
    return file.model_dump(include={"key", "name", "size", "content_type", "status"})


handler = lambda_handler(app)
