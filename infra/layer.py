"""Build the layer of dependencies: ``python -m infra.layer [--arch arm64|x86_64]``.

The recipe lies in ``layers/runtime/``: the requirements are exported from the lock file, ``prune.toml`` says what is
left out and why. The result is ``layers/runtime/build/<arch>.zip``, made anew only when something that goes into it
has changed. Our own package is a second, small layer, so that a change of it moves kilobytes.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

from infra.paths import LAYER, ROOT, SMYTH

BUILD = LAYER / "build"
PLATFORMS = {"arm64": "aarch64-manylinux_2_28", "x86_64": "x86_64-manylinux_2_28"}
PYTHON_VERSION = "3.13"
#: Lambda's limit for a function and its layers together, unzipped.
LIMIT_BYTES = 250 * 1024 * 1024
#: Kept free for our own package and the function's folder.
RESERVED_BYTES = 5 * 1024 * 1024
#: Rooms of our package that only a developer's machine needs.
NOT_FOR_FUNCTIONS = ("cli", "local", "testing")
#: What Python leaves behind; it would change the hash of code that did not change.
NOT_CODE = ("__pycache__", "*.pyc")
#: The oldest time a zip can tell, so that the same content gives the same file.
_EPOCH = (1980, 1, 1, 0, 0, 0)


class LayerError(RuntimeError):
    """The layer cannot be built; the message says why and what to do."""


def build(arch: str) -> Path:
    """Return the zip of the layer for ``arch``, building it when it is missing or out of date.

    Raises:
        LayerError: The requirements cannot be had, or the result is over Lambda's limit.
    """
    archive = BUILD / f"{arch}.zip"
    stamp = BUILD / f"{arch}.sha256"
    requirements = _requirements()
    inputs = _hash_of_inputs(arch, requirements)
    BUILD.mkdir(exist_ok=True)
    with (BUILD / f"{arch}.lock").open("w") as lock:
        # Two builds at once would write into one folder; the second finds the work done.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (archive.is_file() and stamp.is_file() and stamp.read_text("ascii") == inputs):
            stamp.unlink(missing_ok=True)
            _build(requirements, arch, archive)
            stamp.write_text(inputs, "ascii")
    return archive


def _build(requirements: str, arch: str, archive: Path) -> None:
    folder = BUILD / arch
    shutil.rmtree(folder, ignore_errors=True)
    python = folder / "python"
    _install(requirements, arch, python)
    _prune(python)
    unzipped = _size(folder)
    if unzipped > LIMIT_BYTES - RESERVED_BYTES:
        raise LayerError(
            f"The layer holds {_mib(unzipped)}; with {_mib(RESERVED_BYTES)} for our own code that is over Lambda's "
            f"{_mib(LIMIT_BYTES)}. Leave more out in {LAYER / 'prune.toml'}."
        )
    _zip(folder, archive)
    print(f"layer {arch}: {_mib(unzipped)} unzipped, {_mib(archive.stat().st_size)} zipped", file=sys.stderr)


def stage_package(folder: Path) -> Path:
    """Lay our own package into ``folder`` as a layer, without what only a developer's machine needs."""

    def left_out(inside: str, entries: list[str]) -> set[str]:
        ignored = set(shutil.ignore_patterns(*NOT_CODE)(inside, entries))
        return ignored | (set(NOT_FOR_FUNCTIONS) if Path(inside) == SMYTH else set())

    shutil.copytree(SMYTH, folder / "python" / "smyth", ignore=left_out)
    return folder


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
    digest = hashlib.sha256(f"{PLATFORMS[arch]} {PYTHON_VERSION}\n{requirements}".encode())
    for recipe in (Path(__file__), LAYER / "prune.toml"):
        digest.update(recipe.read_bytes())
    return digest.hexdigest()


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in _files(folder))


def _zip(folder: Path, archive: Path) -> None:
    beside = archive.with_suffix(".part")
    with zipfile.ZipFile(beside, "w") as writer:
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
