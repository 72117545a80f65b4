from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.changes import STATEFUL, Change, fixed_properties, property_at, replacements, stateful
from tests.infra.conftest import Stack

PINS = Path(__file__).with_name("stateful.json")
#: What keeps a resource when the stack goes, and what makes its content anew though CloudFormation keeps it.
KEPT_BY = ("DeletionPolicy", "UpdateReplacePolicy")
REGENERATED = {"AWS::SecretsManager::Secret": ("GenerateSecretString",)}
ADVICE = f"""
The stateful resources of customer demo are not those of {PINS.name}: {{differ}}.
Deployed stacks would lose what such a resource holds, if it was there before.
- Not meant? Undo what changed a construct's id, its place in the tree, or one of the pinned properties.
- A new resource only? Add it: SMYTH_PIN=1 .venv/bin/pytest {Path(__file__).name}, and commit {PINS.name}.
- Meant? Write in docs/operations.md how operators move the data, note it in CHANGELOG.md as breaking, then pin anew."""


def table(**properties: Any) -> dict[str, Any]:
    said = {"TableName": "t", "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}]} | properties
    return {"Type": "AWS::DynamoDB::Table", "Properties": said, "DeletionPolicy": "Retain"}


def bucket(name: Any) -> dict[str, Any]:
    return {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name}, "UpdateReplacePolicy": "Retain"}


def changes(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    return replacements({"Resources": old}, {"Resources": new})


def test_a_first_deployment_changes_nothing() -> None:
    assert replacements({}, {"Resources": {"T": table()}}) == []


def test_properties_that_change_in_place_and_stateless_resources_are_no_matter() -> None:
    log = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "a"}}
    assert changes({"T": table(BillingMode="PROVISIONED"), "L": log}, {"T": table(BillingMode="PAY_PER_REQUEST")}) == []


@pytest.mark.parametrize(
    ("property", "value"), [("TableName", "u"), ("KeySchema", [{"AttributeName": "id", "KeyType": "HASH"}])]
)
def test_a_fixed_property_forces_a_replacement(property: str, value: Any) -> None:
    assert changes({"T": table()}, {"T": table(**{property: value})}) == [
        Change("T", "AWS::DynamoDB::Table", "replaced", (property,))
    ]


def test_a_missing_resource_is_deleted() -> None:
    [change] = changes({"T": table()}, {})
    assert change == Change("T", "AWS::DynamoDB::Table", "deleted", retained=True)
    assert "stays in the account" in str(change)


def test_a_new_logical_id_is_a_rename() -> None:
    [change] = changes({"B": bucket("b")}, {"C": bucket("b")})
    assert change == Change("B", "AWS::S3::Bucket", "renamed", new_id="C")
    assert "made anew as C" in str(change)
    assert "all documents and files would be lost" in str(change)


def test_two_renamed_resources_of_a_type_have_an_heir_each() -> None:
    old, new = {"A": bucket("a"), "B": bucket("b")}, {"C": bucket("a")}
    assert [(change.kind, change.new_id) for change in changes(old, new)] == [("renamed", "C"), ("deleted", "")]


def test_another_type_under_the_same_id_is_a_deletion() -> None:
    assert [change.kind for change in changes({"X": bucket("b")}, {"X": table()})] == ["deleted"]


def test_what_is_bound_to_a_replaced_resource_is_replaced_too() -> None:
    def index(name: str) -> dict[str, Any]:
        vectors = {"Type": "AWS::S3Vectors::VectorBucket", "Properties": {"VectorBucketName": name}}
        bound = {"VectorBucketArn": {"Fn::GetAtt": ["V", "VectorBucketArn"]}, "Dimension": 3}
        return {"V": vectors, "I": {"Type": "AWS::S3Vectors::Index", "Properties": bound}}

    assert [(change.logical_id, change.properties) for change in changes(index("a"), index("b"))] == [
        ("I", ("VectorBucketArn",)),
        ("V", ("VectorBucketName",)),
    ]


def test_cfn_lint_knows_every_stateful_type() -> None:
    fixed = {name: fixed_properties(name) for name in STATEFUL}
    assert fixed["AWS::DynamoDB::Table"] == ("ImportSourceSpecification", "KeySchema", "TableName")
    assert "BucketName" in fixed["AWS::S3::Bucket"]
    with pytest.raises(ValueError, match="update cfn-lint"):
        fixed_properties("AWS::Nowhere::Nothing")


def pins(stack: Stack) -> dict[str, Any]:
    """What must not change of a stack's stateful resources."""
    said = {}
    for id, resource in stateful(stack.template).items():
        paths = (*fixed_properties(resource["Type"]), *REGENERATED.get(resource["Type"], ()))
        properties = {path: property_at(resource, path) for path in paths if property_at(resource, path) is not None}
        kept = {policy: resource[policy] for policy in KEPT_BY if policy in resource}
        said[id] = {"Type": resource["Type"], **kept, "Properties": properties}
    return said


@pytest.mark.xdist_group("infra")
def test_stateful_resources_are_those_that_are_pinned(demo: Stack) -> None:
    now = pins(demo)
    if os.environ.get("SMYTH_PIN"):
        PINS.write_text(json.dumps(now, indent=2, sort_keys=True) + "\n", "utf-8")
    pinned = json.loads(PINS.read_text("utf-8"))
    differ = ", ".join(sorted(id for id in pinned.keys() | now.keys() if pinned.get(id) != now.get(id)))
    assert now == pinned, ADVICE.format(differ=differ)


@pytest.mark.xdist_group("infra")
def test_the_same_template_changes_nothing_and_a_renamed_stack_everything(
    demo: Stack, synthesised: Callable[..., Stack]
) -> None:
    assert replacements(demo.template, copy.deepcopy(demo.template)) == []
    moved = replacements(demo.template, synthesised("demo", region="eu-west-1").template)
    assert "AWS::S3::Bucket" in {change.type for change in moved}
