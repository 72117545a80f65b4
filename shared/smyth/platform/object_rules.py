"""Files that arrive set off the triggers whose rules they match."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from pydantic import JsonValue

from smyth.connectors.storage.port import ObjectInfo, Storage
from smyth.platform.deliveries import Deliveries
from smyth.platform.trigger_records import ObjectRule, Place
from smyth.platform.triggers import Triggers

#: The metadata of an object that tells how many runs of triggers in a row led to it.
CHAIN = "trigger-chain"
_FOLDERS: dict[str, Place] = {"files": "uploads", "fs": "files", "knowledge": "knowledge"}
_OBJECT = re.compile(r"t/([^/]+)/([^/]+)/(.+)", re.DOTALL)
#: What stands before the name in an upload's key.
_FILE_ID = re.compile(r"fil-[0-9a-z]{26}-")
_FOLDER_OF_FILES = "teams/"


@dataclass(frozen=True, slots=True)
class ArrivedObject:
    """A tenant's object, as its storage tells of it."""

    tenant_id: str
    place: Place
    #: Below the tenant's folder of the bucket.
    stored_key: str
    #: As the tenant's API and agents call it.
    key: str
    #: What rules look at.
    name: str
    size: int
    etag: str
    sequencer: str


def read_object(key: str, *, size: int, etag: str, sequencer: str) -> ArrivedObject | None:
    """Return what arrived under a key of the bucket; None where that is nothing that rules look at."""
    found = _OBJECT.fullmatch(key)
    if found is None or found[2] not in _FOLDERS:
        return None
    place, inner = _FOLDERS[found[2]], found[3]
    name = _FILE_ID.sub("", inner, count=1) if place == "uploads" else inner.removeprefix(_FOLDER_OF_FILES)
    return ArrivedObject(found[1], place, f"{found[2]}/{inner}", inner, name, size, etag, sequencer)


def start_by_object(triggers: Triggers, deliveries: Deliveries, storage: Storage, arrived: ArrivedObject) -> int:
    """Deliver an object to the tenant's triggers that wait for it; return to how many.

    What is gone again starts nothing: a file that was not what it was said to be is removed before it is told of.

    Raises:
        Busy: The queue did not take them all; what is told again starts nothing twice.
    """
    found = [
        trigger
        for trigger in triggers.of_kind(arrived.tenant_id, "object")
        if isinstance(trigger.rule, ObjectRule) and trigger.rule.matches(arrived.place, arrived.name)
    ]
    info = storage.head(arrived.stored_key) if found else None
    if info is None:
        return 0
    told = f"{arrived.stored_key}\n{arrived.etag}\n{arrived.sequencer}"
    delivery_id = hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()
    payload: JsonValue = {
        "place": arrived.place,
        "key": arrived.key,
        "name": arrived.name,
        "size": arrived.size,
        "content_type": info.content_type,
    }
    for trigger in found:
        deliveries.deliver(trigger, delivery_id=delivery_id, payload=payload, depth=_depth(info))
    return len(found)


def _depth(info: ObjectInfo) -> int:
    """Return how many runs in a row led to an object."""
    told = info.metadata.get(CHAIN, "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 4 else 0
