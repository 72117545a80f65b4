"""Where vectors are kept is the customer's choice."""

from __future__ import annotations

import json

import pytest

from infra.customer import Customer
from infra.permissions import GRANTS
from tests.infra.conftest import Stack, plain

pytestmark = pytest.mark.xdist_group("infra")

SEARCHING = {name for name, grant in GRANTS.items() if grant.vectors}


def _told(stack: Stack) -> dict[str, str]:
    """What the functions are told about the place of vectors."""
    return {
        name: plain(made["Environment"]["Variables"]["SMYTH_VECTORS"])
        for name, made in stack.functions().items()
        if "SMYTH_VECTORS" in made.get("Environment", {}).get("Variables", {})
    }


def _roles_that_may(stack: Stack, prefix: str) -> set[str]:
    return {
        id
        for id, role in stack.of("AWS::IAM::Role").items()
        for policy in role.get("Policies", ())
        for statement in policy["PolicyDocument"]["Statement"]
        if prefix in str(statement["Action"])
    }


def _roles(stack: Stack) -> set[str]:
    """The roles of the functions that search."""
    return {stack.functions()[name]["Role"]["Fn::GetAtt"][0] for name in SEARCHING}


def test_by_default_they_are_in_the_bucket_and_need_nothing_else(demo: Stack) -> None:
    assert _told(demo) == dict.fromkeys(SEARCHING, "")
    assert not [one for one in demo.resources.values() if "OpenSearch" in one["Type"] or "S3Vectors" in one["Type"]]


def test_a_collection_costs_nothing_while_it_sleeps_and_lets_in_who_searches(full: Stack) -> None:
    group = full.only("AWS::OpenSearchServerless::CollectionGroup")
    assert group["Generation"] == "NEXTGEN"
    limits = group["CapacityLimits"]
    assert (limits["MinIndexingCapacityInOcu"], limits["MinSearchCapacityInOcu"]) == (0, 0)
    assert (limits["MaxIndexingCapacityInOcu"], limits["MaxSearchCapacityInOcu"]) == (2, 2)
    [(id, collection)] = full.of("AWS::OpenSearchServerless::Collection").items()
    [key] = full.of("AWS::KMS::Key")
    assert collection["EncryptionConfig"] == {"KmsKeyArn": {"Fn::GetAtt": [key, "Arn"]}}
    assert (collection["Type"], collection["DeletionProtection"]) == ("VECTORSEARCH", "ENABLED")
    assert full.resources[id]["DeletionPolicy"] == "Retain"
    said = json.loads(_told(full)["search_vectors"])
    assert said == {"kind": "opensearch", "endpoint": f"{{{id}.CollectionEndpoint}}", "service": "aoss", "wait_s": 8}
    [access] = json.loads(plain(full.only("AWS::OpenSearchServerless::AccessPolicy")["Policy"]))
    assert set(access["Principal"]) == {f"{{{role}.Arn}}" for role in _roles(full)}
    assert [rule["Resource"] for rule in access["Rules"]] == [["index/smyth-demo/*"]]
    assert _roles_that_may(full, "aoss:") == _roles(full)


def test_a_bucket_of_vectors_is_kept_encrypted_and_open_to_who_searches(vector_bucket: Stack) -> None:
    [(id, made)] = vector_bucket.of("AWS::S3Vectors::VectorBucket").items()
    [key] = vector_bucket.of("AWS::KMS::Key")
    assert made["EncryptionConfiguration"] == {"SseType": "aws:kms", "KmsKeyArn": {"Fn::GetAtt": [key, "Arn"]}}
    assert vector_bucket.resources[id]["DeletionPolicy"] == "Retain"
    name = plain(made["VectorBucketName"])
    assert name == "smyth-demo-vectors-{AWS::AccountId}-eu-central-1"
    assert _told(vector_bucket) == dict.fromkeys(
        SEARCHING, json.dumps({"kind": "s3vectors", "bucket": name}, separators=(",", ":"))
    )
    assert _roles_that_may(vector_bucket, "s3vectors:") == _roles(vector_bucket)


def test_the_embedded_model_is_for_the_laptop_only(laptop: Stack) -> None:
    with pytest.raises(ValueError, match="the embedded model is in no layer; name a provider's"):
        Customer.model_validate({"name": "acme", "embedding_model": "embedded"})
    assert laptop.customer.embedding_model == "embedded"
    assert laptop.functions()["search_vectors"]["Environment"]["Variables"]["SMYTH_EMBEDDING_MODEL"] == "embedded"
