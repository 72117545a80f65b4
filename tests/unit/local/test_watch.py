"""What --watch deploys: the archives that hold a changed file, and nothing else."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from smyth.local import watch
from smyth.local.assembly import PROJECT

_TEMPLATE = {
    "Resources": {
        "Layer": {"Type": "AWS::Lambda::LayerVersion", "Properties": {"Content": {"S3Bucket": "b", "S3Key": "l.zip"}}},
        "Health": {
            "Type": "AWS::Lambda::Function",
            "Properties": {"FunctionName": "smyth-laptop-health", "Code": {"S3Bucket": "b", "S3Key": "h.zip"}},
        },
        "Docs": {
            "Type": "AWS::Lambda::Function",
            "Properties": {"FunctionName": "smyth-laptop-docs", "Code": {"S3Bucket": "b", "S3Key": "d.zip"}},
        },
        "Table": {"Type": "AWS::DynamoDB::Table"},
    }
}


def _archives(*changed: Path) -> dict[str, list[str]]:
    found = watch._archives(_TEMPLATE, "smyth-laptop", set(changed))
    return {place["S3Key"]: sorted(files) for place, files in found}


def test_a_changed_function_touches_its_own_archive() -> None:
    assert _archives(PROJECT / "functions/health/handler.py") == {"h.zip": ["handler.py"]}


def test_a_changed_package_touches_the_layer() -> None:
    assert _archives(PROJECT / "shared/smyth/http/app.py") == {"l.zip": ["python/smyth/http/app.py"]}


def test_what_is_not_deployed_touches_nothing() -> None:
    assert _archives(PROJECT / "functions/unknown/handler.py", PROJECT / "README.md") == {}


def _zip(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/") + ".py", text)
    return buffer.getvalue()


def _contents(archive: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(archive)) as content:
        return {name: content.read(name).decode() for name in content.namelist()}


def test_files_are_changed_added_and_removed_in_folders_that_the_archive_has(tmp_path: Path) -> None:
    changed, gone = tmp_path / "changed.py", tmp_path / "gone.py"
    changed.write_text("new")
    old = _zip(smyth__a="old", smyth__b="old", smyth__kept="kept")
    files = {"smyth/a.py": changed, "smyth/b.py": gone, "smyth/added.py": changed, "smyth/local/x.py": changed}
    renewed = watch._renewed(old, files)
    assert _contents(renewed) == {"smyth/a.py": "new", "smyth/added.py": "new", "smyth/kept.py": "kept"}
    assert watch._renewed(old, files) == renewed
