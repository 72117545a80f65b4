"""Credentials: make, list, change, rotate, roll back, delete. Values go in and never come out."""

from __future__ import annotations

import re
from typing import Any

from smyth.http.answers.credentials import CredentialRecord, WrittenCredential
from smyth.http.answers.page import Page
from smyth.http.app import create_app, lambda_handler
from smyth.http.caller import TenantCaller
from smyth.http.paging import Cursor, Limit, page, read_cursor
from smyth.http.services import services
from smyth.platform.credential_records import (
    NAME_PATTERN,
    Credential,
    CredentialFields,
    NewValue,
    Rollback,
    RotationState,
)
from smyth.platform.times import rfc3339

app = create_app("credentials")


@app.get("/api/credentials", response_model=Page[CredentialRecord])
def listing(caller: TenantCaller, limit: Limit = 20, cursor: Cursor = "") -> dict[str, Any]:
    after = read_cursor(cursor, lambda text: re.fullmatch(NAME_PATTERN, text) is not None)
    found, place = services().credentials.page(caller, limit=limit, after=after)
    return page([_view(one) for one in found], place)


@app.get("/api/credentials/{name}", response_model=CredentialRecord)
def get(caller: TenantCaller, name: str) -> dict[str, Any]:
    return _view(services().credentials.get(caller, name))


@app.put("/api/credentials/{name}", response_model=WrittenCredential)
async def put(caller: TenantCaller, name: str, fields: CredentialFields) -> dict[str, Any]:
    written, rotation_secret = await services().credentials.put(caller, name, fields)
    return _view(written) | {"rotation_secret": rotation_secret or None}


@app.delete("/api/credentials/{name}", status_code=204)
def delete(caller: TenantCaller, name: str) -> None:
    services().credentials.delete(caller, name)


@app.post("/api/credentials/{name}/rotate", response_model=CredentialRecord)
async def rotate(caller: TenantCaller, name: str, next_value: NewValue | None = None) -> dict[str, Any]:
    value = next_value.value if next_value else None
    return _view(await services().credentials.rotate(caller, name, value))


@app.post("/api/credentials/{name}/rollback", response_model=CredentialRecord)
def rollback(caller: TenantCaller, name: str, to: Rollback | None = None) -> dict[str, Any]:
    return _view(services().credentials.rollback(caller, name, to.version if to else None))


def _view(credential: Credential) -> dict[str, Any]:
    return {
        "name": credential.name,
        "description": credential.description,
        "access": credential.access,
        "current": credential.current,
        "versions": [
            {"number": one.number, "created_at": rfc3339(one.created_at), "created_by": one.created_by}
            for one in credential.versions
        ],
        "rotation": credential.rotation and _rotation_view(credential.rotation),
        "created_at": rfc3339(credential.created_at),
        "updated_at": rfc3339(credential.updated_at),
        "last_used": credential.last_used or None,
        "revision": credential.revision,
    }


def _rotation_view(rotation: RotationState) -> dict[str, Any]:
    return rotation.model_dump() | {"due_at": rfc3339(rotation.due_at)}


handler = lambda_handler(app)
