"""Zips that are the same, byte for byte, whenever their content is."""

from __future__ import annotations

import zipfile
from pathlib import Path

MEGABYTE = 1_000_000
#: The oldest time a zip can tell, so that the same content gives the same file.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def files(folder: Path) -> list[Path]:
    """Every file below ``folder``, in one order."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def size(folder: Path) -> int:
    """How many bytes the files below ``folder`` hold."""
    return sum(path.stat().st_size for path in files(folder))


def unzipped_size(archive: Path) -> int:
    """How many bytes the files in ``archive`` hold when they are unpacked."""
    with zipfile.ZipFile(archive) as zipped:
        return sum(entry.file_size for entry in zipped.infolist())


def write_zip(folder: Path, archive: Path) -> None:
    """Zip what lies below ``folder``; who reads ``archive`` meanwhile sees the old one or the new one."""
    beside = archive.with_suffix(".part")
    with zipfile.ZipFile(beside, "w") as writer:
        for path in files(folder):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            writer.writestr(entry, path.read_bytes())
    beside.replace(archive)
