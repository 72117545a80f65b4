"""Keeps a small file that comes with the request, or tells how to upload a large one."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile

from smyth.http.app import create_app, lambda_handler
from smyth.http.caller import TenantCaller
from smyth.http.idempotency import Seed, once
from smyth.http.services import services
from smyth.platform.errors import Invalid, TooLarge
from smyth.platform.files import DEFAULT_TYPE, MAX_DIRECT_BYTES, File, PlannedUpload, display_name, media_type
from smyth.platform.times import utc_now

_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary", "description": "Up to 4 MiB."}},
                }
            },
            "application/json": {"schema": PlannedUpload.model_json_schema()},
        },
    }
}


class UploadRequest(BaseModel):
    """What to send, and where, so that the file is stored."""

    url: str
    method: str
    headers: dict[str, str]


class Uploaded(BaseModel):
    """A file; ``url`` gives a stored one, ``upload`` tells how to send one that is still to come."""

    key: str
    name: str
    size: int
    content_type: str
    status: Literal["pending", "stored"]
    url: str | None = None
    upload: UploadRequest | None = None


app = create_app("storage upload")


@app.post("/api/storage/upload", status_code=201, response_model=Uploaded, openapi_extra=_BODY)
async def upload_file(request: Request, caller: TenantCaller) -> Response:
    body = await request.body()
    if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        return await _keep(request, caller.tenant_id, caller.key_id, await _file(request))
    return await _expect(request, caller.tenant_id, caller.key_id, _planned(body))


async def _keep(request: Request, tenant_id: str, by: str, sent: UploadFile) -> Response:
    """Store what was sent."""
    content = await sent.read()
    if len(content) > MAX_DIRECT_BYTES:
        raise TooLarge(
            f"A file of {len(content)} bytes is too large to be sent through here; {MAX_DIRECT_BYTES} are allowed. "
            'Send {"name", "size", "content_type"} as JSON instead, and upload the file to the address in the answer.'
        )
    try:
        name = display_name(sent.filename or "")
    except ValueError as error:
        raise Invalid(str(error)) from None

    def file(seed: Seed) -> File:
        return File.new(name, len(content), _type_of(sent), ulid=seed.ulid, by=by, now=utc_now())

    def store(seed: Seed) -> dict[str, Any]:
        services().files.store(tenant_id, file(seed), content)
        return _view(file(seed)) | {"status": "stored"}

    def address(seed: Seed) -> dict[str, Any]:
        return {"url": services().files.download_url(tenant_id, file(seed))}

    return await once(request, tenant_id, store, hidden=address)


async def _expect(request: Request, tenant_id: str, by: str, planned: PlannedUpload) -> Response:
    """Tell how to upload what is planned."""

    def file(seed: Seed) -> File:
        return File.new(planned.name, planned.size, planned.content_type, ulid=seed.ulid, by=by, now=utc_now())

    def expect(seed: Seed) -> dict[str, Any]:
        services().files.expect(tenant_id, file(seed))
        return _view(file(seed))

    def upload(seed: Seed) -> dict[str, Any]:
        return {"upload": asdict(services().files.upload(tenant_id, file(seed)))}

    return await once(request, tenant_id, expect, hidden=upload)


async def _file(request: Request) -> UploadFile:
    form = await request.form(max_files=1, max_fields=10)
    sent = form.get("file")
    if not isinstance(sent, UploadFile):
        raise Invalid('The form holds no file. Send it as the field "file", with a file name.')
    return sent


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
