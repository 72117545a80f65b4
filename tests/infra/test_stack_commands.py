"""`smyth stack` where no cloud is asked."""

from __future__ import annotations

import copy
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from infra import customer as customers
from infra.commands import customer_file, toolkit
from infra.commands.__main__ import main
from infra.commands.differences import check, compare
from infra.customer import CustomerError
from infra.paths import ROOT
from smyth.cli.errors import CommandError

TABLE = {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": "t", "KeySchema": []}, "DeletionPolicy": "Retain"}
LOG = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "a", "RetentionInDays": 1}}
QUEUE = {"Type": "AWS::SQS::Queue"}
WANTED: dict[str, Any] = {"region": "eu-west-1", "account": None, "architecture": "arm64", "log_retention_days": 30}


def template(**resources: Any) -> dict[str, Any]:
    return {"Resources": copy.deepcopy(resources)}


def shown(deployed: dict[str, Any], wanted: dict[str, Any]) -> str:
    console = Console(file=io.StringIO(), force_terminal=True, color_system="standard", width=200)
    compare(deployed, wanted).show(console)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_a_new_customer_s_file_holds_what_was_asked_for(tmp_path: Path) -> None:
    arn = "arn:aws:acm:eu-west-1:123456789012:certificate/0a-1b"
    asked = WANTED | {"account": "012345678901", "domain": "agents.example.com", "email": "a@example.com"}
    path = customer_file.write("acme", **asked, certificate_arn=arn, folder=tmp_path)
    made = customers.load("acme", tmp_path)
    assert (made.region, made.account, made.architecture) == ("eu-west-1", "012345678901", "arm64")
    assert made.domain is not None
    assert made.domain.certificate_arn == arn
    assert made.alarms is not None
    assert made.alarms.email == "a@example.com"
    assert made.data.keep
    assert path.read_text().count("#") >= 8


def test_a_new_customer_s_file_without_wishes_is_a_good_one(tmp_path: Path) -> None:
    customer_file.write("acme", **WANTED, folder=tmp_path)
    made = customers.load("acme", tmp_path)
    assert (made.account, made.domain, made.alarms, made.snap_start) == (None, None, None, False)


def test_a_file_that_is_there_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "acme.yaml"
    path.write_text("region: us-west-2")
    with pytest.raises(CustomerError, match="is there already"):
        customer_file.write("acme", **WANTED, folder=tmp_path)
    assert path.read_text() == "region: us-west-2"


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("acme", {"region": "the moon"}),
        ("acme", {"architecture": "z80"}),
        ("acme", {"account": "1"}),
        ("acme", {"log_retention_days": 2}),
        ("acme", {"domain": "agents.example.com"}),
        ("acme", {"email": "x}, name: evil"}),
        ("../acme", {}),
        ("Acme", {}),
    ],
)
def test_a_wrong_wish_leaves_no_file(name: str, changes: dict[str, Any], tmp_path: Path) -> None:
    folder = tmp_path / "customers"
    folder.mkdir()
    with pytest.raises(CustomerError):
        customer_file.write(name, **WANTED | changes, folder=folder)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_differences_tell_each_resource_and_what_of_it() -> None:
    changed = {"Type": LOG["Type"], "Properties": {"LogGroupName": "a", "RetentionInDays": 3}, "Metadata": {"x": 1}}
    found = compare(template(Log=LOG, Old=QUEUE), template(Log=changed, New=QUEUE))
    assert [(one.kind, one.logical_id, one.parts) for one in found.resources] == [
        ("changed", "Log", ("RetentionInDays",)),
        ("added", "New", ()),
        ("removed", "Old", ()),
    ]
    assert found.lost == ()
    check(found, ())


def test_metadata_alone_are_no_difference() -> None:
    assert "Nothing differs." in shown(template(Log=LOG), template(Log=LOG | {"Metadata": {"aws:cdk:path": "x"}}))


@pytest.mark.parametrize(
    ("wanted", "kind"),
    [
        (template(), "deleted"),
        (template(Table=TABLE | {"Properties": {"TableName": "u", "KeySchema": []}}), "replaced"),
        (template(Tables=TABLE), "renamed"),
    ],
)
def test_what_would_lose_state_is_red_and_refused_until_it_is_named(wanted: dict[str, Any], kind: str) -> None:
    found = compare(template(Table=TABLE), wanted)
    with pytest.raises(CommandError, match=rf"Table \({kind}\).*--allow-replacement Table"):
        check(found, ["Other"])
    check(found, ["Table"])
    red = [line for line in shown(template(Table=TABLE), wanted).splitlines() if line.startswith("\x1b[1;31m")]
    assert any("! Table (AWS::DynamoDB::Table)" in line for line in red)
    assert json.loads(json.dumps(found.as_json()))["lost"][0]["kind"] == kind


def test_what_changes_in_place_is_not_red() -> None:
    wanted = template(Table=TABLE | {"Properties": {"TableName": "t", "KeySchema": [], "BillingMode": "PROVISIONED"}})
    assert "\x1b[1;31m" not in shown(template(Table=TABLE), wanted)


def test_the_pinned_cdk_cli_is_the_locked_one() -> None:
    lock = json.loads((toolkit.FOLDER / "package-lock.json").read_text())
    assert lock["packages"]["node_modules/aws-cdk"]["version"] == toolkit.version()
    assert lock["packages"]["node_modules/aws-cdk"]["integrity"].startswith("sha512-")


def test_without_npm_the_missing_program_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("package.json", "package-lock.json"):
        (tmp_path / name).write_bytes((toolkit.FOLDER / name).read_bytes())
    monkeypatch.setattr(toolkit, "FOLDER", tmp_path)
    monkeypatch.setattr(toolkit, "ensure_node", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CommandError, match="npm, which was not found"):
        toolkit.installed()


def test_without_credentials_customers_are_listed_all_the_same(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    assert main(["stack", "list", "--json"]) == 0
    rows = {row["customer"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["demo"]["region"] == "eu-central-1"
    assert rows["demo"]["status"] == "unknown: no AWS credentials"
    assert main(["stack", "status", "demo"]) == 1
    assert "No AWS credentials were found" in capsys.readouterr().err


@pytest.mark.xdist_group("infra")
def test_several_customers_are_synthesised_in_one_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("infra.commands.assembly.OUT", tmp_path)
    assert main(["stack", "synth", "laptop", "laptop", "--no-lint"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert all(line.startswith(f"wrote {tmp_path}/laptop/smyth-laptop.template.json") for line in lines)
    assert main(["stack", "synth"]) == 2


def test_the_smyth_command_passes_everything_on_and_the_exit_code_back(tmp_path: Path) -> None:
    smyth = Path(sys.executable).parent / "smyth"
    told = subprocess.run([smyth, "stack", "deploy", "--help"], cwd=tmp_path, capture_output=True, text=True)
    assert told.returncode == 0
    assert "--allow-replacement" in told.stdout
    failed = subprocess.run([smyth, "cost", "nobody", "--json"], cwd=tmp_path, capture_output=True, text=True)
    assert failed.returncode == 1
    assert f"Copy {ROOT}" in failed.stderr
