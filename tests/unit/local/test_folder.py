"""The data folder belongs to one process at a time and keeps secrets to its owner."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from smyth.local.folder import DataFolder, LocalCloudError, write_private


def test_a_second_process_is_told_who_holds_the_folder(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    with folder.locked(), pytest.raises(LocalCloudError, match=r"in use by another smyth dev \(process \d+\)"):  # noqa: SIM117
        with folder.locked():
            pass
    with folder.locked():
        pass


def test_settings_are_remembered_and_private(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    assert folder.read_settings() == {}
    folder.remember(tenant_id="ten-1", port=1)
    folder.remember(port=2)
    assert folder.read_settings() == {"tenant_id": "ten-1", "port": 2}
    assert stat.S_IMODE(folder.settings.stat().st_mode) == 0o600


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_private(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_private(path, "new \ud800")
    assert path.read_text() == "old"
