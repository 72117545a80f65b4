"""The documents of agents: made from fields, changed by fields, and checked before anything is written."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from smyth.components import registry
from smyth.document import Document, DocumentError, Finding, load, unwrap, validate
from smyth.document import guardrails as guardrails_member
from smyth.document import memory as memory_member
from smyth.platform.errors import Invalid, TooLarge

if TYPE_CHECKING:
    from smyth.platform.agent_fields import AgentFields, NewAgent

MAX_DOCUMENT_BYTES = 5 * 1024 * 1024

#: What the API calls a member of the document.
_MEMBERS = {
    "name": "name",
    "description": "description",
    "behavior": "behavior",
    "model": "defaultModel",
    "variables": "variables",
    "guardrails": guardrails_member.MEMBER,
    "memory": memory_member.MEMBER,
}


@dataclass(frozen=True, slots=True)
class Checked:
    """A document that may be stored, and what is odd in it."""

    document: Document
    body: bytes
    warnings: list[dict[str, Any]]


def check(source: dict[str, Any] | bytes) -> Checked:
    """Read a document and refuse what cannot work.

    Raises:
        TooLarge: It is over the size limit.
        Invalid: It is not a document, or its wiring has errors; each is named.
    """
    if isinstance(source, bytes) and len(source) > MAX_DOCUMENT_BYTES:
        raise _too_large()
    try:
        document = load(source)
    except DocumentError as error:
        raise _invalid(list(error.findings)) from None
    findings = validate(document, registry.is_known)
    errors = [finding for finding in findings if finding.level == "error"]
    if errors:
        raise _invalid(errors)
    # ASCII, so that every text that JSON can hold comes back as it was.
    body = json.dumps(document.export(), separators=(",", ":")).encode("ascii")
    if len(body) > MAX_DOCUMENT_BYTES:
        raise _too_large()
    return Checked(document, body, [finding.as_json() for finding in findings])


def build(fields: NewAgent) -> dict[str, Any]:
    """Return the document of a new agent."""
    document: dict[str, Any] = {"version": "1.0.0"}
    _set_members(document, fields)
    return document | {"components": fields.components, "connections": fields.connections}


def change(source: dict[str, Any], fields: AgentFields) -> dict[str, Any]:
    """Return the document with the fields that were sent in their places."""
    changed = copy.deepcopy(source)
    document = unwrap(changed)
    if "description" in fields.model_fields_set and document.get("behavior") is None:
        # An old document's description is its system prompt; a new description must not become it (ENGINE 1.6).
        document["behavior"] = document.get("description") or ""
    _set_members(document, fields)
    return changed


def _set_members(document: dict[str, Any], fields: AgentFields) -> None:
    for field, member in _MEMBERS.items():
        if field in fields.model_fields_set:
            value = getattr(fields, field)
            if value is None:
                document.pop(member, None)
            else:
                # A model as it was sent, without what it would be given by default.
                sent = isinstance(value, BaseModel)
                document[member] = value.model_dump(mode="json", exclude_unset=True) if sent else value


def _invalid(findings: list[Finding]) -> Invalid:
    first = findings[0].message
    more = f" And {len(findings) - 1} more, see errors." if len(findings) > 1 else ""
    return Invalid(
        f"The document cannot be used, nothing was stored. {first}{more}", [one.as_json() for one in findings]
    )


def _too_large() -> TooLarge:
    megabytes = MAX_DOCUMENT_BYTES // 1024**2
    return TooLarge(f"The document is larger than {megabytes} MB. Take embedded files out and upload them to storage.")
