"""Completes the record of a file when S3 tells, through EventBridge, that its content is there."""

from __future__ import annotations

from typing import Any, Literal

from aws_lambda_powertools import Logger
from pydantic import BaseModel, Field, ValidationError

from smyth.aws.files import parse_object_key
from smyth.http.services import services

logger = Logger(service="smyth")


class Object(BaseModel):
    """The new object."""

    key: str
    size: int = Field(ge=0)
    etag: str = ""
    #: Orders the events of one key.
    sequencer: str = ""


class Detail(BaseModel):
    """What S3 tells."""

    object: Object


class ObjectCreated(BaseModel):
    """EventBridge's "Object Created" event, as far as it matters here."""

    source: Literal["aws.s3"]
    detail_type: Literal["Object Created"] = Field(alias="detail-type")
    detail: Detail


class BadEvent(ValueError):
    """The event is none that this function was made for; it ends in the dead letters."""


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Complete the file's record; repeated events change nothing.

    Raises:
        BadEvent: The event is not S3's "Object Created".
    """
    try:
        created = ObjectCreated.model_validate(event).detail
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise BadEvent(f'Expected EventBridge\'s "Object Created" event of S3, but {faults}.') from None
    place = parse_object_key(created.object.key)
    if place is None:
        return {"result": "ignored", "key": created.object.key}
    tenant_id, key = place
    new = created.object
    known = services().files.arrived(tenant_id, key, size=new.size, etag=new.etag, sequencer=new.sequencer)
    result = "stored" if known else "ignored"
    logger.info("object created", tenant_id=tenant_id, key=key, size=new.size, result=result)
    return {"result": result, "key": created.object.key}
