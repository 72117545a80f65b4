"""What runs on GitHub: sound workflows, no stored keys, releases that agree with their changelog."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from infra.customer import names

GITHUB = Path(__file__).resolve().parents[2] / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
TOOLS = Path(sys.executable).parent

CHANGELOG = """# Changelog

## Unreleased

- Not yet.

## 1.3.0 - 2026-02-01

### Added

- A thing.

## 1.2.0

## 1.1.0

- Older.
"""


@pytest.fixture(scope="module")
def release_notes() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release_notes", GITHUB / "scripts" / "release_notes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _workflow(name: str) -> dict[str, Any]:
    return yaml.safe_load((GITHUB / "workflows" / f"{name}.yml").read_text())


def test_the_linter_finds_no_fault_and_would_find_one(tmp_path: Path) -> None:
    linted = subprocess.run([TOOLS / "jactionlint", *WORKFLOWS], cwd=GITHUB.parent, capture_output=True, text=True)
    assert (linted.returncode, linted.stdout) == (0, "")
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(WORKFLOWS[0].read_text().replace("needs: synth", "needs: sinth"))
    linted = subprocess.run([TOOLS / "jactionlint", wrong], cwd=GITHUB.parent, capture_output=True, text=True)
    assert "sinth" in linted.stdout


def test_the_role_of_github_is_a_sound_template() -> None:
    linted = subprocess.run([TOOLS / "cfn-lint", "-t", GITHUB / "aws" / "role.yaml"], capture_output=True, text=True)
    assert (linted.returncode, linted.stdout) == (0, "")


def test_jobs_come_to_aws_by_their_environment_s_role_and_no_stored_key() -> None:
    for path in WORKFLOWS:
        assert not re.search(r"secrets\.", path.read_text()), path
    for name, job in (("deploy", "deploy"), ("ci", "diff")):
        said = _workflow(name)["jobs"][job]
        assert said["permissions"] == {"contents": "read", "id-token": "write"}
        assert said["environment"]
        [login] = [step for step in said["steps"] if "configure-aws-credentials" in step.get("uses", "")]
        assert login["with"]["role-to-assume"] == "${{ vars.AWS_ROLE_ARN }}"


def test_pull_requests_are_compared_with_every_customer_s_stack_in_aws() -> None:
    said = subprocess.run(
        [sys.executable, GITHUB / "scripts" / "customers.py"],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": f"{GITHUB.parent}:{GITHUB.parent / 'shared'}"},
    )
    assert yaml.safe_load(said.stdout) == [name for name in names() if name != "laptop"]


def test_commands_of_workflows_are_targets_of_the_makefile_or_commands_of_smyth() -> None:
    makefile = (GITHUB.parent / "Makefile").read_text()
    run = [
        step["run"]
        for path in WORKFLOWS
        for job in _workflow(path.stem)["jobs"].values()
        for step in job["steps"]
        if "run" in step
    ]
    targets = {target for text in run for target in re.findall(r"^make ([a-z-]+)", text, re.MULTILINE)}
    assert targets >= {"lint", "test", "layer", "test-infra"}
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_notes_of_a_release_are_its_section_of_the_changelog(release_notes: ModuleType) -> None:
    assert release_notes.notes("v1.3.0", changelog=CHANGELOG, version="1.3.0") == "### Added\n\n- A thing.\n"
    assert release_notes.notes("v1.1.0", changelog=CHANGELOG, version="1.1.0") == "- Older.\n"


@pytest.mark.parametrize(
    ("tag", "version", "why"),
    [
        ("v1.3.1", "1.3.0", "the tag is v1.3.1, but smyth.__version__ is 1.3.0"),
        ("v1.2.0", "1.2.0", "tells nothing under '## 1.2.0'"),
        ("v1.4.0", "1.4.0", "rename 'Unreleased'"),
        ("v1.3", "1.3", "tells nothing"),
    ],
)
def test_a_release_that_nobody_told_of_is_refused(release_notes: ModuleType, tag: str, version: str, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        release_notes.notes(tag, changelog=CHANGELOG, version=version)
