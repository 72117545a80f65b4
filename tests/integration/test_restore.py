"""The drill of docs/operations.md: a table as it was, restored beside the stack's, gives back what a tenant lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from infra.restore import main, restore
from smyth.http.services import services
from tests.integration.events import OPERATOR, call, caller_context

SOURCE = "smyth-test-restored"


@pytest.fixture
def client(cloud: str) -> Any:
    return services().table.client


@pytest.fixture
def restored(client: Any) -> Iterator[Any]:
    """Restores the table as it is at the moment of the call."""
    target = services().table.name
    client.update_continuous_backups(
        TableName=target, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )

    def make() -> None:
        client.restore_table_to_point_in_time(
            SourceTableName=target, TargetTableName=SOURCE, UseLatestRestorableTime=True
        )
        client.get_waiter("table_exists").wait(TableName=SOURCE, WaiterConfig={"Delay": 1})

    yield make
    client.delete_table(TableName=SOURCE)


@pytest.fixture
def versions(cloud: str) -> Iterator[Any]:
    """Undeletes objects below a prefix of the bucket, which keeps versions as the stack's does."""
    store, bucket = boto3.client("s3"), services().bucket.name
    store.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})

    def undelete(prefix: str) -> None:
        for marker in store.list_object_versions(Bucket=bucket, Prefix=prefix)["DeleteMarkers"]:
            store.delete_object(Bucket=bucket, Key=marker["Key"], VersionId=marker["VersionId"])

    yield undelete
    store.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})


def test_a_tenant_s_lost_agents_and_conversations_come_back_and_nothing_else_changes(
    client: Any, restored: Any, versions: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    made = call("POST", "/api/tenants", caller=OPERATOR, body={"name": "Acme", "plan": "pro"}).json()
    tenant, other = caller_context(made["id"], plan="pro"), caller_context()
    key = call("POST", "/api/keys", caller=tenant, body={"name": "leaked", "role": "viewer"}).json()["id"]
    agents = [
        call("POST", "/api/agents/create", caller=owner, body={"name": "Helper", "model": "Echo"}).json()["id"]
        for owner in (tenant, tenant, other)
    ]
    said = call("POST", f"/api/agents/{agents[0]}/chat", caller=tenant, body={"message": "remember"}).json()
    restored()
    call("DELETE", f"/api/agents/{agents[0]}", caller=tenant)
    call("PATCH", f"/api/agents/{agents[1]}", caller=tenant, body={"description": "newer"})
    call("DELETE", f"/api/keys/{key}", caller=tenant)
    call("DELETE", f"/api/agents/{agents[2]}", caller=other)
    used = call("GET", "/api/usage", caller=tenant).json()["requests"]

    where = ["--from", SOURCE, "--to", services().table.name, "--tenant", made["id"]]
    assert main([*where, "--dry-run"]) == 0
    assert "missing" in capsys.readouterr().out
    assert call("GET", f"/api/agents/{agents[0]}", caller=tenant).status == 404
    assert main(where) == 0
    assert "brought back" in capsys.readouterr().out
    versions(f"t/{made['id']}/")

    assert call("GET", f"/api/agents/{agents[0]}", caller=tenant).status == 200
    conversation = f"/api/agents/{agents[0]}/conversations/{said['conversation_id']}"
    assert call("GET", conversation, caller=tenant).status == 200
    assert call("GET", f"/api/agents/{agents[1]}", caller=tenant).json()["description"] == "newer"
    assert [one["id"] for one in call("GET", "/api/keys", caller=tenant).json()["items"] if one["id"] == key] == []
    assert call("GET", f"/api/agents/{agents[2]}", caller=other).status == 404
    assert call("GET", "/api/usage", caller=tenant).json()["requests"] == used
    assert services().table.get(f"T#{made['id']}", "AGENTS")["agents"] == 2
    again = restore(client, source=SOURCE, target=services().table.name, tenant_id=made["id"])
    assert (again.missing, again.there > 0) == (0, True)


def test_a_tenant_must_be_named_whole(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--from", "a", "--to", "b", "--tenant", "ten-1"])
    assert "no tenant's id" in capsys.readouterr().err
