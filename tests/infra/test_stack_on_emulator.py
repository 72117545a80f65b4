"""`smyth stack` against the emulator: the CDK CLI deploys there as it would deploy in AWS."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra import customer as customers
from infra.commands import deploy, toolkit
from infra.commands.__main__ import main
from infra.commands.assembly import Synthesised
from infra.commands.cloud import Cloud
from infra.commands.destroy import destroy_stack
from infra.customer import Customer
from smyth.cli.errors import CommandError
from tests.integration.emulator import emulator, point_here

pytestmark = pytest.mark.xdist_group("infra-commands")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The emulator, found by the environment."""
    with emulator(tmp_path_factory.mktemp("emulator")) as url, pytest.MonkeyPatch.context() as patch:
        for name, value in point_here(url).items():
            patch.setenv(name, value)
        patch.setattr("infra.commands.assembly.OUT", tmp_path_factory.mktemp("cdk"))
        yield


@dataclass(frozen=True)
class Deployed:
    """The laptop's stack, and what its deployment told."""

    cloud: Cloud
    told: str


@pytest.fixture(scope="module")
def deployed(cloud: None, tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    """The laptop's stack, deployed by the command."""
    try:
        toolkit.installed()
    except CommandError as error:
        pytest.skip(f"needs the CDK CLI from the npm registry: {error}")
    log = tmp_path_factory.mktemp("deploy") / "told"
    with _terminal(log):
        code = main(["stack", "deploy", "laptop", "--bootstrap"])
    assert code == 0, log.read_text()
    return Deployed(Cloud(customers.load("laptop")), log.read_text())


@contextmanager
def _terminal(log: Path) -> Iterator[None]:
    """Let this process and its children write into a file."""
    before = os.dup(1)
    with log.open("w") as file, redirect_stdout(file):
        os.dup2(file.fileno(), 1)
        try:
            yield
        finally:
            os.dup2(before, 1)
            os.close(before)


def _small(name: str, *, keep: bool) -> Customer:
    """A stack of a table and a bucket."""
    protected = {"DeletionProtectionEnabled": keep} if keep else {}
    keys = {
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    resources = {
        "Table": {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": f"smyth-{name}", **keys, **protected}},
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": f"smyth-{name}"}},
    }
    customer = Customer(name=name)
    formation = Cloud(customer).client("cloudformation")
    formation.create_stack(StackName=f"smyth-{name}", TemplateBody=json.dumps({"Resources": resources}))
    formation.get_waiter("stack_create_complete").wait(StackName=f"smyth-{name}", WaiterConfig={"Delay": 1})
    return customer


def test_a_deployment_shows_progress_and_outputs_and_migrates(deployed: Deployed) -> None:
    for words in ("bootstrapped", "+ DataTable", "CREATE_COMPLETE", "smyth-laptop.ApiId = ", "left: none"):
        assert words in deployed.told
    found = deployed.cloud.stack()
    assert found is not None
    assert found["StackStatus"] == "CREATE_COMPLETE"
    assert {tag["Key"]: tag["Value"] for tag in found["Tags"]}["customer"] == "laptop"


def test_nothing_differs_from_what_was_just_deployed(deployed: Deployed, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stack", "diff", "laptop", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"resources": [], "lost": []}


def test_status_and_list_tell_of_what_is_deployed(deployed: Deployed, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stack", "status", "laptop", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["outputs"]["StageName"] == "api"
    assert told["layers"]
    assert main(["stack", "status", "laptop"]) == 0
    assert "smyth-laptop: " in capsys.readouterr().out
    assert main(["stack", "list", "--json"]) == 0
    rows = {row["customer"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["laptop"]["status"] == told["status"]
    assert rows["demo"]["status"] == "not deployed"


def test_a_stack_that_is_not_there_has_no_status(cloud: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stack", "status", "demo"]) == 1
    assert "`smyth stack deploy demo` deploys it" in capsys.readouterr().err


def test_a_deployment_that_would_replace_the_table_stops_before_anything_is_done(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = copy.deepcopy(deployed.cloud.template())
    [table] = [id for id, found in wanted["Resources"].items() if found["Type"] == "AWS::DynamoDB::Table"]
    wanted["Resources"][table]["Properties"]["TableName"] = "another"
    ran: list[Any] = []
    monkeypatch.setattr(deploy, "synthesised", lambda customer, lint: Synthesised(Path("/nowhere/t.json"), wanted))
    monkeypatch.setattr(toolkit, "run", ran.append)
    with pytest.raises(CommandError, match=f"--allow-replacement {table}"):
        deploy.deploy_stack(deployed.cloud.customer, allowed=(), bootstrap=True)
    assert ran == []
    assert "would be replaced, since TableName may not change in place" in capsys.readouterr().out
    deploy.deploy_stack(deployed.cloud.customer, allowed=[table], bootstrap=False)
    assert [arguments[0] for arguments in ran] == ["deploy"]


def test_a_failed_migration_is_told(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deploy, "MIGRATE", "run_code")
    with pytest.raises(CommandError, match="its data could not be migrated"):
        list(deploy.migrate(deployed.cloud))


def test_credentials_of_another_account_are_refused(cloud: None) -> None:
    with pytest.raises(CommandError, match="are of account 000000000000, but acme belongs to account 123456789012"):
        Cloud(Customer(name="acme", account="123456789012")).check_account()


def test_a_protected_stack_is_not_destroyed(cloud: None) -> None:
    customer = _small("guarded", keep=True)
    with pytest.raises(CommandError, match=r"protected from deletion: Table\..*keep: false.*stack deploy guarded"):
        destroy_stack(customer, typed="guarded", delete_data=True)
    assert Cloud(customer).stack() is not None


def test_a_stack_that_holds_data_is_destroyed_only_with_them(cloud: None, capsys: pytest.CaptureFixture[str]) -> None:
    customer = _small("full", keep=False)
    region = customer.region
    boto3.client("dynamodb", region_name=region).put_item(TableName="smyth-full", Item={"pk": {"S": "a"}})
    store = boto3.client("s3", region_name=region)
    store.put_bucket_versioning(Bucket="smyth-full", VersioningConfiguration={"Status": "Enabled"})
    store.put_object(Bucket="smyth-full", Key="a", Body=b"1")
    store.delete_object(Bucket="smyth-full", Key="a")
    with pytest.raises(CommandError, match=r"holds data: table smyth-full, bucket smyth-full.*--delete-data"):
        destroy_stack(customer, typed="full", delete_data=False)
    destroy_stack(customer, typed="full", delete_data=True)
    assert "smyth-full is gone." in capsys.readouterr().out
    assert Cloud(customer).stack() is None
    assert "smyth-full" not in [bucket["Name"] for bucket in store.list_buckets()["Buckets"]]


@pytest.mark.parametrize("typed", [None, "", "Named", "demo"])
def test_without_the_name_nothing_is_destroyed(cloud: None, typed: str | None) -> None:
    customer = Customer(name="named")
    if Cloud(customer).stack() is None:
        _small("named", keep=False)
    with pytest.raises(CommandError, match=r"Nothing is destroyed: .* --yes-destroy named"):
        destroy_stack(customer, typed=typed, delete_data=True)
    assert Cloud(customer).stack() is not None


def test_what_is_not_there_cannot_be_destroyed(cloud: None) -> None:
    with pytest.raises(CommandError, match="There is no stack smyth-absent"):
        destroy_stack(Customer(name="absent"), typed="absent", delete_data=False)
