"""What is deployed is told by content, so that nothing changed means nothing to do."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path

import pytest

from smyth.local.assembly import Assembly, archive, inputs_hash


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in ("infra/app.py", "functions/health/handler.py", "shared/smyth/engine/run.py", "docs/openapi.json"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


def test_equal_contents_have_equal_hashes_whenever_they_were_written(checkout: Path) -> None:
    before = inputs_hash(checkout)
    os.utime(checkout / "infra/app.py", (1, 1))
    (checkout / "infra" / "__pycache__").mkdir()
    (checkout / "infra" / "__pycache__" / "app.pyc").write_text("compiled")
    assert inputs_hash(checkout) == before


@pytest.mark.parametrize("name", ["infra/app.py", "functions/health/handler.py", "shared/smyth/engine/run.py"])
def test_every_input_counts(checkout: Path, name: str) -> None:
    before = inputs_hash(checkout)
    (checkout / name).write_text("changed")
    assert inputs_hash(checkout) != before


def test_a_new_function_counts_and_rooms_that_are_not_deployed_do_not(checkout: Path) -> None:
    before = inputs_hash(checkout)
    (checkout / "shared/smyth/local").mkdir()
    (checkout / "shared/smyth/local/front.py").write_text("x")
    assert inputs_hash(checkout) == before
    (checkout / "functions/new").mkdir()
    (checkout / "functions/new/handler.py").write_text("x")
    assert inputs_hash(checkout) != before


def test_archives_of_equal_folders_are_equal(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "below").mkdir(parents=True)
        (tmp_path / name / "below" / "file.py").write_text("x")
        (tmp_path / name / "__pycache__").mkdir()
        (tmp_path / name / "__pycache__" / f"{name}.pyc").write_text(name)
    os.utime(tmp_path / "one" / "below" / "file.py", (1, 1))
    assert archive(tmp_path / "one") == archive(tmp_path / "two")
    assert zipfile.ZipFile(io.BytesIO(archive(tmp_path / "one"))).namelist() == ["below/file.py"]


def test_the_stack_and_its_assets_are_read(tmp_path: Path) -> None:
    def at(key: str) -> dict[str, object]:
        return {"here": {"bucketName": "assets-${AWS::AccountId}-${AWS::Region}", "objectKey": key}}

    stack = {"templateFile": "t.json", "stackName": "smyth-laptop"}
    artifacts = {
        "tree": {"type": "cdk:tree"},
        "smyth-laptop": {"type": "aws:cloudformation:stack", "properties": stack},
    }
    files = {
        "a": {"source": {"path": "asset.a", "packaging": "zip"}, "destinations": at("a.zip")},
        "t": {"source": {"path": "t.json", "packaging": "file"}, "destinations": at("t.json")},
    }
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    (tmp_path / "smyth-laptop.assets.json").write_text(json.dumps({"files": files}))
    (tmp_path / "t.json").write_text('{"Resources": {}}')
    assembly = Assembly.read(tmp_path)
    assert assembly.stack == "smyth-laptop"
    assert [(asset.bucket, asset.key) for asset in assembly.assets] == [("assets-000000000000-us-east-1", "a.zip")]
