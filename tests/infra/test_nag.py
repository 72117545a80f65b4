"""AWS's own rules for solutions (cdk-nag) find nothing in a customer's stack but what is accepted with a reason."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra import customer as customers
from infra.node import ensure_node
from infra.paths import ROOT
from tests.infra.accepted import ACCEPTED, Accepted
from tests.infra.conftest import EVERYTHING, VECTOR_BUCKET

pytestmark = pytest.mark.xdist_group("infra")

VARIANTS: dict[str, dict[str, Any]] = {
    "as-it-is": {},
    "everything": EVERYTHING,
    "vector-bucket": EVERYTHING | VECTOR_BUCKET,
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[str, str]]]:
    """Rule and construct of every finding, by variant of customer demo."""
    return {name: list(_findings(changes, tmp_path_factory.mktemp(name))) for name, changes in VARIANTS.items()}


def _findings(changes: dict[str, Any], folder: Path) -> Iterator[tuple[str, str]]:
    ensure_node()
    # As synthesis has it; Node reads it once, at its start.
    os.environ.setdefault("CDK_VALIDATION", "false")
    from aws_cdk import App, Validations
    from cdk_nag import AwsSolutionsChecks

    from infra.stack import SmythStack

    # The rules do not look into layers.
    settings = customers.load("demo").model_dump() | changes | {"layer": "source"}
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    app = App(outdir=str(folder / "out"), context=context, analytics_reporting=False)
    SmythStack(app, customer=customers.Customer.model_validate(settings), staging=folder / "staging")
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    with pytest.raises(RuntimeError, match="validation-report"):
        app.synth()
    [report] = json.loads((folder / "out" / "validation-report.json").read_text())["pluginReports"]
    assert report["pluginName"] == "AwsSolutions"
    for violation in report["violations"]:
        for construct in violation["violatingConstructs"]:
            yield violation["ruleName"], construct["constructPath"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_finding_is_accepted_with_a_reason(found: dict[str, list[tuple[str, str]]], variant: str) -> None:
    assert len(found[variant]) > 40, "cdk-nag has looked"
    assert not [one for one in found[variant] if not any(accepted.covers(*one) for accepted in ACCEPTED)]


@pytest.mark.parametrize("accepted", ACCEPTED, ids=lambda accepted: accepted.finding)
def test_nothing_is_accepted_that_is_not_found(found: dict[str, list[tuple[str, str]]], accepted: Accepted) -> None:
    assert accepted.reason
    assert any(accepted.covers(*one) for findings in found.values() for one in findings)
