"""The table's stream: what changed, sorted by what it is of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from smyth.aws.table import Item, from_item
from smyth.platform.entries import Entry

_PLACE = re.compile(r"T#(?P<tenant>[^#]+)(#(?P<kind>[A-Z]+)(#(?P<rest>.+))?)?")
_FINAL = ("settled", "released")
#: What of a tenant its place behind API Gateway's fence hangs on.
_FENCED = ("plan", "status", "usage_identifier")


@dataclass(slots=True)
class Changes:
    """What a batch of the stream tells."""

    #: Entries that became final.
    ended: list[Entry] = field(default_factory=list)
    #: Tenants whose meter counted, and the scopes of budgets that were spent from, by tenant.
    metered: set[str] = field(default_factory=set)
    spent: dict[str, set[str]] = field(default_factory=dict)
    #: Tenants whose place behind the fence may be another.
    moved: set[str] = field(default_factory=set)
    #: Alerts that want an attempt: tenant and id.
    alerts: set[tuple[str, str]] = field(default_factory=set)

    @property
    def spenders(self) -> set[str]:
        """Tenants that were charged something."""
        return {entry.tenant_id for entry in self.ended if entry.price}


def read(records: Iterable[Mapping[str, Any]]) -> Changes:
    """Sort a batch's records; what is of no concern is left out.

    Raises:
        ValueError: A record is none of a stream with images, or an entry cannot be read.
    """
    changes = Changes()
    for record in records:
        try:
            change = record["dynamodb"]
            keys = from_item(change["Keys"])
            place, sk = _PLACE.fullmatch(keys["pk"]), str(keys["sk"])
        except (KeyError, TypeError) as error:
            raise ValueError(
                f"Expected a record of the table's stream with its keys, but {error!r} is wrong."
            ) from None
        if place is None or "NewImage" not in change:
            continue
        _sort(changes, place, sk, change["NewImage"], change.get("OldImage"))
    return changes


def _sort(changes: Changes, place: re.Match[str], sk: str, new: Item, old: Item | None) -> None:
    tenant, kind, rest = place["tenant"], place["kind"], place["rest"]
    match kind:
        case "L":
            if _text(new, "status") in _FINAL and _text(old, "status") not in _FINAL:
                changes.ended.append(Entry.model_validate(from_item(new)))
        case "METER":
            changes.metered.add(tenant)
        case "BUDGET":
            changes.spent.setdefault(tenant, set()).add(rest.rpartition("#")[0])
        case "ALERT":
            if sk.startswith("SENT#"):
                changes.alerts.add((tenant, sk.removeprefix("SENT#")))
        case None if sk == "META":
            if old is None or any(_text(new, name) != _text(old, name) for name in _FENCED):
                changes.moved.add(tenant)


def _text(image: Item | None, name: str) -> str | None:
    found: str | None = (image or {}).get(name, {}).get("S")
    return found
