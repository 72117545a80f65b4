"""What agents know: documents added, listed, indexed anew and deleted, and the namespaces of vectors."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import UploadFile

from smyth.http import vector_namespaces
from smyth.http.answers.knowledge import AddedDocument, Document, document
from smyth.http.answers.page import Page
from smyth.http.app import create_app, lambda_handler
from smyth.http.caller import TenantCaller
from smyth.http.idempotency import Seed, once
from smyth.http.paging import Cursor, Limit, page, read_cursor
from smyth.http.services import services
from smyth.platform.access import Caller
from smyth.platform.errors import Invalid, TooLarge
from smyth.platform.files import MAX_DIRECT_BYTES
from smyth.platform.knowledge_records import KnownDocument, Place, Status
from smyth.platform.knowledge_requests import DocumentId, NewDocument, place_of
from smyth.platform.vectors import Namespace

_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["namespace", "file"],
                    "properties": {
                        "namespace": {"type": "string", "maxLength": 128},
                        "file": {"type": "string", "format": "binary", "description": "Up to 4 MiB."},
                    },
                }
            },
            "application/json": {"schema": NewDocument.model_json_schema()},
        },
    }
}
_PLAIN = "text/plain; charset=utf-8"
_UNKNOWN = "application/octet-stream"

app = create_app("knowledge")
app.include_router(vector_namespaces.router)


@app.get("/api/knowledge", response_model=Page[Document])
def listing(
    caller: TenantCaller,
    namespace: Annotated[Namespace | None, Query(description="Only of this namespace.")] = None,
    status: Annotated[Status | None, Query(description="Only with this status.")] = None,
    limit: Limit = 20,
    cursor: Cursor = "",
) -> dict[str, Any]:
    after = read_cursor(cursor, lambda text: text.startswith("doc-") and len(text) == 30)
    found, place = services().knowledge_base.page(
        caller.tenant_id, namespace=namespace or "", status=status, limit=limit, after=after
    )
    return page([document(record) for record in found], place)


@app.post("/api/knowledge", status_code=201, response_model=AddedDocument, openapi_extra=_BODY)
async def add(request: Request, caller: TenantCaller) -> Response:
    body = await request.body()
    if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        return await _add_sent(request, caller)
    new = _read(NewDocument, body)
    if new.file_key is not None:
        return await _add_stored(request, caller, new, new.file_key)
    place = _place(caller, new.namespace, new.name or "")
    if new.size is not None:
        return await _expect(request, caller, place, new.size, new.content_type or _UNKNOWN)
    content = (new.text or "").encode("utf-8", "replace")
    return await _keep(request, caller, place, content, new.content_type or _PLAIN)


@app.get("/api/knowledge/{document_id}", response_model=Document)
def get(caller: TenantCaller, document_id: DocumentId) -> dict[str, Any]:
    return document(services().knowledge_base.get(caller.tenant_id, document_id))


@app.delete("/api/knowledge/{document_id}", status_code=202, response_model=Document)
def delete(caller: TenantCaller, document_id: DocumentId) -> dict[str, Any]:
    return document(services().knowledge_base.delete(caller.tenant_id, document_id))


@app.post("/api/knowledge/{document_id}/reindex", status_code=202, response_model=Document)
def reindex(caller: TenantCaller, document_id: DocumentId) -> dict[str, Any]:
    return document(services().knowledge_base.reindex(caller.tenant_id, document_id))


async def _add_sent(request: Request, caller: Caller) -> Response:
    """Keep the file of a form."""
    form = await request.form(max_files=1, max_fields=10)
    sent, namespace = form.get("file"), form.get("namespace")
    if not isinstance(sent, UploadFile):
        raise Invalid('The form holds no file. Send it as the field "file", with a file name.')
    content = await sent.read()
    if len(content) > MAX_DIRECT_BYTES:
        raise TooLarge(
            f"A file of {len(content)} bytes is too large to be sent through here; {MAX_DIRECT_BYTES} are allowed. "
            'Send {"namespace", "name", "size", "content_type"} as JSON instead, and upload the file to the address '
            "in the answer."
        )
    given = {"namespace": namespace, "name": sent.filename, "size": len(content)}
    if sent.content_type:
        given["content_type"] = sent.content_type
    new = _checked(NewDocument, given)
    place = _place(caller, new.namespace, new.name or "")
    return await _keep(request, caller, place, content, new.content_type or _UNKNOWN)


async def _keep(request: Request, caller: Caller, place: Place, content: bytes, content_type: str) -> Response:
    """Store what was sent."""

    def keep(seed: Seed) -> dict[str, Any]:
        base = services().knowledge_base
        return _added(base.add(caller.tenant_id, place, content, content_type, by=caller.key_id))

    return await once(request, caller.tenant_id, keep)


async def _add_stored(request: Request, caller: Caller, new: NewDocument, file_key: str) -> Response:
    """Make an uploaded file a document."""

    def copy(seed: Seed) -> dict[str, Any]:
        base = services().knowledge_base
        file = base.stored_file(caller.tenant_id, file_key)
        place = _place(caller, new.namespace, new.name or file.name)
        return _added(base.add_file(caller.tenant_id, place, file, by=caller.key_id))

    return await once(request, caller.tenant_id, copy)


async def _expect(request: Request, caller: Caller, place: Place, size: int, content_type: str) -> Response:
    """Tell how to upload a document."""

    def expect(seed: Seed) -> dict[str, Any]:
        return {"id": place.document_id, "namespace": place.namespace, "name": place.name, "status": "pending"}

    def upload(seed: Seed) -> dict[str, Any]:
        return {"upload": asdict(services().knowledge_base.upload(caller.tenant_id, place, size, content_type))}

    return await once(request, caller.tenant_id, expect, hidden=upload)


def _place(caller: Caller, namespace: str, name: str) -> Place:
    try:
        return place_of(caller.tenant_id, namespace, name)
    except ValueError as error:
        raise Invalid(str(error)) from None


def _read(model: type[NewDocument], body: bytes) -> NewDocument:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise _refused(error) from None


def _checked(model: type[NewDocument], given: dict[str, Any]) -> NewDocument:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise _refused(error) from None


def _refused(error: ValidationError) -> RequestValidationError:
    return RequestValidationError([{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors()])


def _added(record: KnownDocument) -> dict[str, Any]:
    return record.model_dump(include={"id", "namespace", "name", "status", "version"})


handler = lambda_handler(app)
