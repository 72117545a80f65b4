"""Build the runtime layer: ``python -m infra.layer [--arch arm64|x86_64]``.

The recipe lies in ``layers/runtime/``: the requirements are exported from the lock file, ``prune.toml`` says what is
left out and why. The result is ``layers/runtime/build/<arch>.zip``, made anew only when something that goes into it
has changed.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

from infra.paths import LAYER, ROOT, SMYTH

PLATFORMS = {"arm64": "aarch64-manylinux_2_28", "x86_64": "x86_64-manylinux_2_28"}
PYTHON_VERSION = "3.13"
#: Lambda's limit for a function and its layers together, unzipped.
LIMIT_BYTES = 250 * 1024 * 1024
#: Rooms of our package that only a developer's machine needs.
NOT_FOR_FUNCTIONS = ("cli", "local", "sdk")
_NOT_CODE = ("__pycache__", "*.pyc")
#: The oldest time a zip can tell, so that the same content gives the same file.
_EPOCH = (1980, 1, 1, 0, 0, 0)


class LayerError(RuntimeError):
    """The layer cannot be built; the message says why and what to do."""


def build(arch: str) -> Path:
    """Return the zip of the layer for ``arch``, building it when it is missing or out of date.

    Raises:
        LayerError: The requirements cannot be had, or the result is over Lambda's limit.
    """
    folder = LAYER / "build" / arch
    archive = LAYER / "build" / f"{arch}.zip"
    stamp = LAYER / "build" / f"{arch}.sha256"
    requirements = _requirements()
    inputs = _hash_of_inputs(arch, requirements)
    if archive.is_file() and stamp.is_file() and stamp.read_text("ascii") == inputs:
        return archive
    shutil.rmtree(folder, ignore_errors=True)
    stamp.unlink(missing_ok=True)
    python = folder / "python"
    _install(requirements, arch, python)
    _prune(python)
    _copy_package(python / "smyth")
    unzipped = sum(path.stat().st_size for path in _files(folder))
    if unzipped > LIMIT_BYTES:
        raise LayerError(
            f"The layer holds {_mib(unzipped)}, over Lambda's {_mib(LIMIT_BYTES)}. Add to {LAYER / 'prune.toml'}."
        )
    _zip(folder, archive)
    stamp.write_text(inputs, "ascii")
    print(f"layer {arch}: {_mib(unzipped)} unzipped, {_mib(archive.stat().st_size)} zipped", file=sys.stderr)
    return archive


def stage_source(folder: Path) -> Path:
    """Lay our package alone into ``folder``, as a layer for a machine that has the dependencies."""
    _copy_package(folder / "python" / "smyth")
    return folder


def _copy_package(target: Path) -> None:
    def left_out(folder: str, entries: list[str]) -> set[str]:
        ignored = set(shutil.ignore_patterns(*_NOT_CODE)(folder, entries))
        return ignored | (set(NOT_FOR_FUNCTIONS) if Path(folder) == SMYTH else set())

    shutil.copytree(SMYTH, target, ignore=left_out)


def _requirements() -> str:
    """What the lock file says that the functions need, with hashes."""
    return _uv("export", "--no-dev", "--no-emit-project", "--frozen", "--no-header", "--no-annotate", "--quiet")


def _install(requirements: str, arch: str, target: Path) -> None:
    target.mkdir(parents=True)
    listed = target.parent / "requirements.txt"
    listed.write_text(requirements, "utf-8")
    _uv(
        *("pip", "install", "--quiet", "--target", str(target), "--requirements", str(listed), "--require-hashes"),
        *("--python-platform", PLATFORMS[arch], "--python-version", PYTHON_VERSION, "--only-binary", ":all:"),
        *("--no-deps", "--no-compile-bytecode", "--link-mode", "copy"),
    )
    listed.unlink()


def _uv(*arguments: str) -> str:
    beside = Path(sys.executable).parent / "uv"
    uv = str(beside) if beside.is_file() else shutil.which("uv")
    if uv is None:
        raise LayerError("uv is needed to build the layer and is not there. Run `make setup`.")
    done = subprocess.run([uv, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise LayerError(
            f"`uv {' '.join(arguments[:2])}` failed; the layer needs the package registry and an up-to-date uv.lock:\n"
            f"{done.stderr.strip()}"
        )
    return done.stdout


def _rules() -> list[dict[str, str]]:
    rules: list[dict[str, str]] = tomllib.loads((LAYER / "prune.toml").read_text("utf-8"))["prune"]
    return rules


def _prune(folder: Path) -> None:
    for rule in _rules():
        for path in sorted(folder.glob(rule["path"])):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def _hash_of_inputs(arch: str, requirements: str) -> str:
    digest = hashlib.sha256(f"{arch}\n{PYTHON_VERSION}\n{PLATFORMS[arch]}\n{requirements}".encode())
    for path in [Path(__file__), LAYER / "prune.toml", *_sources()]:
        digest.update(f"\n{path.relative_to(ROOT)}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _sources() -> Iterator[Path]:
    for path in _files(SMYTH):
        inside = path.relative_to(SMYTH).parts
        if "__pycache__" not in inside and path.suffix != ".pyc" and inside[0] not in NOT_FOR_FUNCTIONS:
            yield path


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _zip(folder: Path, archive: Path) -> None:
    beside = archive.with_suffix(".part")
    with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as writer:
        for path in _files(folder):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            writer.writestr(entry, path.read_bytes())
    beside.replace(archive)


def _mib(size: int) -> str:
    return f"{size / 1024 / 1024:.1f} MiB"


def main(arguments: list[str] | None = None) -> int:
    """The command; 0 when the layer is there."""
    parser = argparse.ArgumentParser(prog="python -m infra.layer", description="Build the runtime layer.")
    parser.add_argument("--arch", choices=sorted(PLATFORMS), default="arm64")
    said = parser.parse_args(arguments)
    try:
        print(build(said.arch))
    except LayerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
