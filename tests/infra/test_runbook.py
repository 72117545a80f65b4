"""Whoever is woken by an alarm finds what to do."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from infra import customer as customers
from smyth.platform.routes import FUNCTIONS
from tests.infra.conftest import Stack

pytestmark = pytest.mark.xdist_group("infra")

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "operations.md").read_text("utf-8")
#: What is no alarm of the stack's own: AWS Budgets mails by itself, and alarms of a release mail nobody.
BESIDE = {"budget", "release"}


def test_every_alarm_has_its_section_of_the_runbook_and_every_section_its_alarm(
    synthesised: Callable[..., Stack],
) -> None:
    alarms = {"email": "ops@example.com", "budget_usd": 50}
    stack = synthesised("demo", alarms=alarms, canary="linear")
    named = [alarm["AlarmName"] for alarm in stack.of("AWS::CloudWatch::Alarm").values() if "AlarmName" in alarm]
    assert len(named) >= 5
    runbook = DOCUMENT.partition("\n## Runbook\n")[2].partition("\n## ")[0]
    sections = re.findall(r"^### (\S+)$", runbook, re.MULTILINE)
    assert sorted(sections) == sorted({name.removeprefix("smyth-demo-") for name in named} | BESIDE)


def test_settings_that_the_document_names_are_there() -> None:
    fields = set(customers.Customer.model_fields)
    named = {"domain", "canary", "data", "customer_key", "environment", "reserved_concurrency", "snap_start"}
    named |= {"tenant_isolation", "account", "identity", "issuers", "billing", "alerts"}
    named |= {"ip_requests_per_minute", "run_allowance", "vectors", "at_once", "embedding_model"}
    assert named <= fields
    assert [name for name in named if f"`{name}" not in DOCUMENT] == []


def test_the_table_of_memory_is_that_of_the_functions() -> None:
    section = DOCUMENT.partition("\n## Memory\n")[2].partition("\n## ")[0]
    said = re.findall(r"^\| (.+?) \| ([\d,]+) MB \|", section, re.MULTILINE)
    told = {int(size.replace(",", "")): set(re.findall(r"`(\w+)`", names)) for names, size in said}
    made = {function.memory_mb: set[str]() for function in FUNCTIONS}
    for function in FUNCTIONS:
        made[function.memory_mb].add(function.name)
    assert set(told) == set(made)
    assert all(told[size] <= names for size, names in made.items())
    with_models = {function.name for function in FUNCTIONS if function.models}
    assert (made[256], made[1024], made[2048]) == (told[256], with_models - told[2048], told[2048])


def test_the_numbers_of_resources_that_the_document_tells_are_right(demo: Stack, full: Stack) -> None:
    assert f"a plain stack has {len(demo.resources)}, one with every option {len(full.resources)}," in DOCUMENT
