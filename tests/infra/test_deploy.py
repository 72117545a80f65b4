"""The laptop's template on the emulator: what a gateway does before any function of ours is asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from smyth.local.assembly import Assembly
from smyth.local.deploy import deploy, look_up, operator_key
from tests.infra.cloud import Cloud
from tests.infra.conftest import Stack
from tests.integration.emulator import emulator

pytestmark = pytest.mark.xdist_group("infra-deploy")

#: So slow that no test sees the bucket fill again.
SLOW = {"rate": 0.001, "burst": 2}
WIDE = {"rate": 1000, "burst": 1000}


def _assembly(synthesised: Callable[..., Stack], *, prepaid_quota: int) -> Assembly:
    throttles = {
        "pro": SLOW,
        "basic": {**WIDE, "quota_per_month": 3},
        "prepaid": {**WIDE, "quota_per_month": prepaid_quota},
    }
    stack = synthesised("laptop", plans={name: {"throttle": throttle} for name, throttle in throttles.items()})
    return Assembly.read(stack.path.parent)


@pytest.fixture(scope="module")
def cloud(synthesised: Callable[..., Stack], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    folder: Path = tmp_path_factory.mktemp("emulator")
    assembly = _assembly(synthesised, prepaid_quota=7)
    with emulator(folder) as url:
        deploy(assembly, url)
        yield Cloud(url, look_up(assembly.stack, url))


def test_public_routes_need_no_key(cloud: Cloud) -> None:
    assert cloud.call("GET", "/health").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "told"),
    [
        ("GET", "/api/agents", {}, 401, "The key is missing or unknown"),
        ("GET", "/api/agents", {"x-api-key": "smyth_unknown"}, 401, "Send a valid key"),
        ("GET", "/api/nowhere", {}, 404, "There is no such route. See /docs"),
        ("PUT", "/api/agents", {}, 404, "There is no such route"),
    ],
)
def test_the_gateway_s_own_errors_arrive_as_problem_documents(
    cloud: Cloud, method: str, path: str, headers: dict[str, str], status: int, told: str
) -> None:
    answer = cloud.call(method, path, **headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert told in problem["detail"]
    assert problem["request_id"]


def test_a_billable_route_needs_a_key_of_a_plan(cloud: Cloud) -> None:
    bearer = f"Bearer {operator_key(cloud.deployed, cloud.url)}"
    answer = cloud.call("POST", "/api/agents/agt-x/prompt", Authorization=bearer)
    assert answer.status_code == 403
    assert "belongs to no plan" in answer.json()["detail"]


def test_a_plan_s_throttle_bites(cloud: Cloud) -> None:
    headers = {"Authorization": f"Bearer {operator_key(cloud.deployed, cloud.url)}", "x-api-key": cloud.key_in("pro")}
    answers = [cloud.call("POST", "/api/agents/agt-x/run/hash", **headers) for _ in range(3)]
    assert [answer.status_code == 429 for answer in answers] == [False, False, True]
    assert answers[2].headers["retry-after"] == "1"
    assert "Too many requests at once" in answers[2].json()["detail"]


def test_a_plan_s_quota_bites(cloud: Cloud) -> None:
    headers = {"Authorization": f"Bearer {operator_key(cloud.deployed, cloud.url)}", "x-api-key": cloud.key_in("basic")}
    answers = [cloud.call("POST", "/api/agents/agt-x/run/hash", **headers) for _ in range(4)]
    assert [answer.status_code == 429 for answer in answers] == [False, False, False, True]
    assert "used up" in answers[3].json()["detail"]


def test_a_new_object_wakes_its_function_and_others_do_not(cloud: Cloud) -> None:
    bucket = cloud.aws("lambda").get_function_configuration(FunctionName=cloud.deployed.functions["object_created"])
    name = bucket["Environment"]["Variables"]["BUCKET_NAME"]
    # The clock's calls would stand in the same log.
    cloud.aws("events").disable_rule(Name="smyth-laptop-schedule_tick")
    before = cloud.calls("object_created")
    for key in ("elsewhere/a.txt", "t/ten-x/files/b.txt"):
        cloud.aws("s3").put_object(Bucket=name, Key=key, Body=b"1")
    deadline = time.monotonic() + 30
    while cloud.calls("object_created") == before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert cloud.calls("object_created") == before + 1


def test_a_meter_that_counts_wakes_what_follows_the_table_and_an_agent_does_not(cloud: Cloud) -> None:
    cloud.aws("events").disable_rule(Name="smyth-laptop-schedule_tick")
    found = cloud.aws("lambda").get_function_configuration(FunctionName=cloud.deployed.functions["table_changes"])
    table = found["Environment"]["Variables"]["TABLE_NAME"]
    before = cloud.calls("table_changes")
    for pk, sk, count in (("T#ten-x", "AGENT#agt-x", {}), ("T#ten-x#METER#2026-11", "0", {"used": {"N": "1"}})):
        cloud.aws("dynamodb").put_item(TableName=table, Item={"pk": {"S": pk}, "sk": {"S": sk}, **count})
    deadline = time.monotonic() + 30
    while cloud.calls("table_changes") == before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert cloud.calls("table_changes") == before + 1


def test_the_operator_s_key_travels_in_a_header(cloud: Cloud) -> None:
    key = operator_key(cloud.deployed, cloud.url)
    assert len(key) == 48
    assert key.isalnum()


def test_an_update_keeps_the_plans_that_tenants_are_in(cloud: Cloud, synthesised: Callable[..., Stack]) -> None:
    before = cloud.plan("prepaid")
    assert before["quota"]["limit"] == 7
    deploy(_assembly(synthesised, prepaid_quota=8), cloud.url)
    after = cloud.plan("prepaid")
    assert after["quota"]["limit"] == 8
    assert after["id"] == before["id"]
    assert look_up("smyth-laptop", cloud.url).api_id == cloud.deployed.api_id
