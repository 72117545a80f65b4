"""Customer demo on the emulator: the tour passes, an upgrade changes code only, and data cannot be destroyed.

Left out of ``make test`` for the time it takes; ``make test-infra`` runs it.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from botocore.exceptions import ClientError

import smyth.local.cloud
from infra.app import synthesise
from infra.commands.destroy import destroy_stack
from infra.commands.differences import compare
from infra.paths import FUNCTIONS
from smyth.aws.clients import client
from smyth.cli.errors import CommandError
from smyth.local.assembly import Assembly
from smyth.local.cloud import Running, running
from smyth.local.deploy import deploy, stack_status
from smyth.local.folder import DataFolder, LocalCloudError
from smyth.local.scripted_models import with_scripted_models
from smyth.local.tour import EXAMPLES, Call, Tour
from tests.infra.lacking import LACKING, demo_customer
from tests.integration.emulator import emulator

pytestmark = [
    pytest.mark.deploys,
    pytest.mark.xdist_group("infra-upgrade"),
    pytest.mark.asyncio(loop_scope="module"),
]

STACK = "smyth-demo"
BUCKET = "smyth-demo-000000000000-us-east-1"
#: What a release of new code may touch.
CODE = {"AWS::Lambda::Function", "AWS::Lambda::Version", "AWS::Lambda::Alias"}


def made(folder: Path, *, keep: bool = True) -> Assembly:
    return Assembly.read(synthesise(demo_customer(keep=keep), folder).parent)


@pytest.fixture(scope="module")
def demo_assembly(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    return made(tmp_path_factory.mktemp("cdk"))


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """The next release: another answer of /health."""
    functions = tmp_path_factory.mktemp("release") / "functions"
    shutil.copytree(FUNCTIONS, functions, ignore=shutil.ignore_patterns("__pycache__"))
    health = functions / "health" / "handler.py"
    health.write_text(health.read_text().replace("version=__version__", 'version="released"'))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("infra.functions.SOURCES", functions)
        return made(tmp_path_factory.mktemp("cdk"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cloud(demo_assembly: Assembly, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """The laptop cloud with the stack of customer demo in it."""

    async def given(folder: Path, inputs: str) -> Assembly:
        return demo_assembly

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(smyth.local.cloud, "synthesised", given)
        folder = DataFolder(tmp_path_factory.mktemp("data"))
        async with running(folder, host="127.0.0.1", port=0, tell=lambda _: None) as cloud:
            yield cloud


@pytest_asyncio.fixture(loop_scope="module")
async def http(cloud: Running) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"x-api-key": cloud.tenant_key}
    async with httpx.AsyncClient(base_url=cloud.url, headers=headers, timeout=90, trust_env=False) as client:
        yield client


async def test_every_setting_that_differs_on_the_emulator_has_its_reason() -> None:
    said, here = demo_customer(keep=False), demo_customer(keep=True)
    assert all(len(reason) > 20 for _, reason in LACKING.values())
    assert {name for name in LACKING if getattr(said, name) != LACKING[name][0]} == set()
    assert (said.data.keep, here.data.keep) == (False, True)


async def test_every_call_of_the_tour_is_answered_right_by_customer_demo(cloud: Running) -> None:
    calls: list[Call] = []
    async with httpx.AsyncClient(base_url=cloud.url, timeout=90, trust_env=False) as http:
        await Tour(http, operator_key=cloud.operator_key, tell=calls.append).run()
    assert [(call.name, call.fault) for call in calls if call.fault] == []
    assert len(calls) > 25


@dataclass(frozen=True)
class Kept:
    """All that a stack holds."""

    items: list[str]
    objects: list[tuple[str, str]]
    operator_key: str


def held(url: str) -> Kept:
    pages = client("dynamodb", url).get_paginator("scan").paginate(TableName=STACK)
    items = sorted(repr(sorted(item.items())) for page in pages for item in page["Items"])
    listed = client("s3", url).list_objects_v2(Bucket=BUCKET)
    objects = [(one["Key"], one["ETag"]) for one in listed.get("Contents", ())]
    secret = client("secretsmanager", url).get_secret_value(SecretId="smyth/demo/operator-key")
    return Kept(items, objects, secret["SecretString"])


def code_of(url: str) -> dict[str, str]:
    """What runs: the hash of each function's code and settings, by name."""
    pages = client("lambda", url).get_paginator("list_functions").paginate()
    return {
        one["FunctionName"]: f"{one['CodeSha256']} {one.get('Environment')}"
        for page in pages
        for one in page["Functions"]
    }


async def test_a_release_changes_functions_only_keeps_all_data_and_can_be_taken_back(
    cloud: Running, http: httpx.AsyncClient, demo_assembly: Assembly, released: Assembly
) -> None:
    old, new = (with_scripted_models(one, cloud.model_server) for one in (demo_assembly, released))
    agent = (await http.post("/api/agents/import", content=(EXAMPLES / "hash-api.smyth").read_bytes())).json()["id"]
    before, version = held(cloud.emulator.url), (await http.get("/health")).json()["version"]
    assert before.items
    assert before.objects
    code = code_of(cloud.emulator.url)

    # The emulator tells of every resource that it updated it, so what a release asks for is read from its template.
    differences = compare(old.template, new.template)
    assert {one.type for one in differences.resources} <= CODE
    assert {one.logical_id for one in differences.resources if "health" not in one.logical_id} == set()
    assert not differences.lost
    deploy(new, cloud.emulator.url)
    now = code_of(cloud.emulator.url)
    assert {name for name in now.keys() | code.keys() if now.get(name) != code.get(name)} == {"smyth-demo-health"}
    assert held(cloud.emulator.url) == before
    assert (await http.get("/health")).json()["version"] == "released"

    deploy(old, cloud.emulator.url)
    assert held(cloud.emulator.url) == before
    assert (await http.get("/health")).json()["version"] == version
    run = await http.post(f"/api/agents/{agent}/run/hash", json={"text": "Hello World"})
    assert run.json()["md5"] == "b10a8db164e0754105b7a99be72e3fe5"


async def test_a_release_that_fails_halfway_goes_back_by_itself_and_keeps_all_data(
    cloud: Running, http: httpx.AsyncClient, released: Assembly
) -> None:
    release = with_scripted_models(released, cloud.model_server)
    template = dict(release.template)
    taken = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": BUCKET}}
    template["Resources"] = template["Resources"] | {"Taken": taken}
    broken = Assembly(release.stack, template, release.assets)
    before, version = held(cloud.emulator.url), (await http.get("/health")).json()["version"]
    with pytest.raises(LocalCloudError, match="already exists"):
        deploy(broken, cloud.emulator.url)
    assert stack_status(STACK, cloud.emulator.url) == "UPDATE_ROLLBACK_COMPLETE"
    assert held(cloud.emulator.url) == before
    assert (await http.get("/health")).json()["version"] == version


@contextmanager
def signed_in(url: str) -> Iterator[None]:
    """The credentials and the address that an operator's shell has."""
    said = {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "000000000000", "AWS_SECRET_ACCESS_KEY": "test"}
    with pytest.MonkeyPatch.context() as shell:
        for name, value in said.items():
            shell.setenv(name, value)
        yield


async def test_a_stack_with_data_refuses_to_be_destroyed(cloud: Running) -> None:
    before = held(cloud.emulator.url)
    with signed_in(cloud.emulator.url), pytest.raises(CommandError, match="protected from deletion"):
        destroy_stack(demo_customer(keep=True), typed="demo", delete_data=True)
    with pytest.raises(ClientError, match=r"(?i)protect"):
        client("dynamodb", cloud.emulator.url).delete_table(TableName=STACK)
    assert held(cloud.emulator.url) == before


async def test_even_a_deleted_stack_leaves_its_data_in_the_account(demo_assembly: Assembly, tmp_path: Path) -> None:
    item: dict[str, Any] = {"pk": {"S": "T#ten-x"}, "sk": {"S": "META"}}
    with emulator(tmp_path) as url:
        deploy(demo_assembly, url)
        client("dynamodb", url).put_item(TableName=STACK, Item=item)
        client("s3", url).put_object(Bucket=BUCKET, Key="t/ten-x/a.txt", Body=b"kept")
        formation = client("cloudformation", url)
        formation.delete_stack(StackName=STACK)
        formation.get_waiter("stack_delete_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})
        assert client("dynamodb", url).scan(TableName=STACK)["Items"] == [item]
        assert client("s3", url).get_object(Bucket=BUCKET, Key="t/ten-x/a.txt")["Body"].read() == b"kept"
        assert client("lambda", url).list_functions()["Functions"] == []
