"""Does what follows when S3 tells, through EventBridge, that an object is there or gone.

An upload's record is completed; a document that agents know is looked at by the worker; what a tenant's triggers wait
for starts agents.
"""

from __future__ import annotations

from typing import Any, Literal

from aws_lambda_powertools import Logger
from pydantic import BaseModel, Field, ValidationError

from smyth.aws import knowledge
from smyth.aws.files import parse_object_key
from smyth.aws.storage import BucketStorage
from smyth.http.services import services
from smyth.platform.object_rules import read_object, start_by_object

logger = Logger(service="smyth")


class Object(BaseModel):
    """The object; one that is gone has no size."""

    key: str
    size: int = Field(default=0, ge=0)
    etag: str = ""
    #: Orders the events of one key.
    sequencer: str = ""


class Detail(BaseModel):
    """What S3 tells."""

    object: Object


class ObjectChanged(BaseModel):
    """EventBridge's "Object Created" or "Object Deleted" event, as far as it matters here."""

    source: Literal["aws.s3"]
    detail_type: Literal["Object Created", "Object Deleted"] = Field(alias="detail-type")
    detail: Detail


class BadEvent(ValueError):
    """The event is none that this function was made for; it ends in the dead letters."""


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Complete the file's record, or have the document indexed; repeated events change nothing.

    Raises:
        BadEvent: The event is not S3's "Object Created" or "Object Deleted".
    """
    try:
        changed = ObjectChanged.model_validate(event)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise BadEvent(f'Expected EventBridge\'s "Object Created" event of S3, but {faults}.') from None
    new = changed.detail.object
    created = changed.detail_type == "Object Created"
    result = _follow_up(new, created=created)
    return {"result": result, "key": new.key, "started": _start(new) if created else 0}


def _follow_up(new: Object, *, created: bool) -> str:
    """Do what files and documents need; return what that was."""
    document = knowledge.parse_object_key(new.key)
    if document is not None:
        known = services().knowledge_base.noticed(*document)
        return "noticed" if known else "ignored"
    place = parse_object_key(new.key)
    if place is None or not created:
        return "ignored"
    tenant_id, key = place
    known = services().files.arrived(tenant_id, key, size=new.size, etag=new.etag, sequencer=new.sequencer)
    result = "stored" if known else "ignored"
    logger.info("object created", tenant_id=tenant_id, key=key, size=new.size, result=result)
    return result


def _start(new: Object) -> int:
    """Start the agents that wait for such an object; return how many triggers that are."""
    arrived = read_object(new.key, size=new.size, etag=new.etag, sequencer=new.sequencer)
    if arrived is None:
        return 0
    storage = BucketStorage(services().bucket, arrived.tenant_id)
    return start_by_object(services().triggers, services().deliveries, storage, arrived)
