"""Objects whose two files were torn apart by a kill are mended."""

from __future__ import annotations

import json
from pathlib import Path

from smyth.local.gaps.torn_objects import mend


def _object(folder: Path, name: str, body: bytes, **meta: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(body)
    sidecar = folder / f"{name}.meta.json"
    sidecar.write_text(json.dumps({"content_type": "text/plain", **meta}))
    return sidecar


def test_whole_objects_are_left_alone(tmp_path: Path) -> None:
    sidecar = _object(tmp_path / "000000000000/bucket", "key", b"four", size=4, etag='"e"')
    before = sidecar.read_text()
    assert mend(tmp_path) == 0
    assert sidecar.read_text() == before


def test_metadata_of_another_body_are_counted_anew(tmp_path: Path) -> None:
    sidecar = _object(tmp_path / "000000000000/bucket", "key", b"new body", size=4, etag='"old"', checksums={"a": "b"})
    assert mend(tmp_path) == 1
    assert json.loads(sidecar.read_text()) == {"content_type": "text/plain"}


def test_half_written_files_are_removed(tmp_path: Path) -> None:
    _object(tmp_path / "bucket", "key", b"four", size=4)
    (tmp_path / "bucket" / "key.tmp").write_bytes(b"ne")
    mend(tmp_path)
    assert sorted(path.name for path in (tmp_path / "bucket").iterdir()) == ["key", "key.meta.json"]


def test_delete_markers_have_no_body_and_stay(tmp_path: Path) -> None:
    (tmp_path / "bucket").mkdir()
    marker = tmp_path / "bucket" / "key.meta.json"
    marker.write_text('{"is_delete_marker": true}')
    assert mend(tmp_path) == 0
    assert marker.exists()
