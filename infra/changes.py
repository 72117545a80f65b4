"""Which resources that hold state a new template would replace, rename or delete.

CloudFormation itself says which property forces a replacement; its specification comes with cfn-lint.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

Template = dict[str, Any]
Kind = Literal["replaced", "renamed", "deleted"]

#: What cannot be made anew by a deployment, and what is lost with it.
STATEFUL: dict[str, str] = {
    "AWS::DynamoDB::Table": "all records",
    "AWS::DynamoDB::GlobalTable": "all records",
    "AWS::S3::Bucket": "all documents and files",
    "AWS::SecretsManager::Secret": "the operator's key",
    "AWS::KMS::Key": "whatever the key has encrypted",
    "AWS::Cognito::UserPool": "all users",
    "AWS::S3Vectors::VectorBucket": "all vectors",
    "AWS::S3Vectors::Index": "the vectors of the index",
    "AWS::OpenSearchServerless::Collection": "all vectors",
    "AWS::ApiGateway::RestApi": "the address that callers know",
    "AWS::ApiGateway::UsagePlan": "which tenants are in the plan",
}
#: Any region's will do: these types are the same everywhere.
_REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Change:
    """A stateful resource that a deployment would not keep."""

    logical_id: str
    type: str
    kind: Kind
    #: The properties that force a replacement, as dotted paths.
    properties: tuple[str, ...] = ()
    #: The resource stays in the account (``Retain`` or ``Snapshot``), though the stack no longer knows it.
    retained: bool = False
    #: The logical id under which it would be made anew.
    new_id: str = ""

    def __str__(self) -> str:
        """One sentence for whoever deploys."""
        match self.kind:
            case "replaced":
                said = f"would be replaced, since {', '.join(self.properties)} may not change in place"
            case "renamed":
                said = f"would be deleted and made anew as {self.new_id}, since its logical id changed"
            case "deleted":
                said = "would be deleted, since the new template has it no more"
        if self.retained:
            fate = "the old one stays in the account, but the stack would no longer use it"
        else:
            fate = f"{STATEFUL[self.type]} would be lost"
        return f"{self.logical_id} ({self.type}) {said}; {fate}."


def replacements(old_template: Template, new_template: Template) -> list[Change]:
    """What a deployment of ``new_template`` over ``old_template`` would do to resources that hold state.

    Args:
        old_template: The deployed template; one without resources stands for no stack.
        new_template: The template to deploy.
    """
    old, new = stateful(old_template), new_template.get("Resources", {})
    found = {change.logical_id: change for change in _gone(old, new)}
    # A replaced resource has a new name, so what is bound to its name for good is replaced too.
    while more := [change for change in _replaced(old, new, moved=set(found)) if change.logical_id not in found]:
        found |= {change.logical_id: change for change in more}
    return [found[id] for id in sorted(found)]


def stateful(template: Template) -> dict[str, Any]:
    """The resources of a template that hold state, by logical id."""
    resources = template.get("Resources", {}).items()
    return {id: resource for id, resource in resources if resource["Type"] in STATEFUL}


@cache
def fixed_properties(type_name: str) -> tuple[str, ...]:
    """Properties of a resource type, as dotted paths, that CloudFormation changes by replacement only.

    They are what its specification calls create-only, always or under conditions, and what names the resource.

    Raises:
        ValueError: cfn-lint does not know the type.
    """
    # Only now: it reads an index of all resource types.
    from cfnlint.schema import ResourceNotFoundError
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

    try:
        said = PROVIDER_SCHEMA_MANAGER.get_resource_schema(_REGION, type_name).schema
    except ResourceNotFoundError:
        raise ValueError(f"cfn-lint knows no resource type '{type_name}'; update cfn-lint: `uv lock`") from None
    members = ("createOnlyProperties", "conditionalCreateOnlyProperties", "primaryIdentifier")
    fixed = {pointer for member in members for pointer in said.get(member, ())}
    # What AWS makes up itself stands in no template.
    fixed -= set(said.get("readOnlyProperties", ()))
    return tuple(sorted(pointer.removeprefix("/properties/").replace("/", ".") for pointer in fixed))


def property_at(resource: dict[str, Any], path: str) -> Any:
    """A property by its dotted path; None where there is none."""
    value: Any = resource.get("Properties", {})
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _gone(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    """Resources whose logical id is no more, or has become another type."""
    unclaimed = {id: resource for id, resource in new.items() if id not in old and resource["Type"] in STATEFUL}
    for id, resource in old.items():
        kind, retained = resource["Type"], _retained(resource, "DeletionPolicy")
        if id in new and new[id]["Type"] == kind:
            continue
        heir = next((other for other, made in unclaimed.items() if made["Type"] == kind), "")
        if heir:
            del unclaimed[heir]
            yield Change(id, kind, "renamed", retained=retained, new_id=heir)
        else:
            yield Change(id, kind, "deleted", retained=retained)


def _replaced(old: dict[str, Any], new: dict[str, Any], *, moved: set[str]) -> Iterator[Change]:
    """Resources with a changed property that may not change, or with one that names a resource that moves."""
    for id, before in old.items():
        if id in moved:
            continue
        after, properties = new[id], []
        for path in fixed_properties(before["Type"]):
            said = property_at(after, path)
            if property_at(before, path) != said or moved & set(_references(said)):
                properties.append(path)
        if properties:
            retained = _retained(before, "UpdateReplacePolicy")
            yield Change(id, before["Type"], "replaced", tuple(properties), retained)


def _retained(resource: dict[str, Any], policy: str) -> bool:
    return resource.get(policy) in {"Retain", "RetainExceptOnCreate", "Snapshot"}


def _references(value: Any) -> Iterator[str]:
    """The logical ids that a property refers to."""
    match value:
        case {"Ref": str(id)}:
            yield id
        case {"Fn::GetAtt": [str(id), *_]}:
            yield id
        case dict():
            for part in value.values():
                yield from _references(part)
        case list():
            for part in value:
                yield from _references(part)
