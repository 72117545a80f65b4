"""The embedded AWS of the laptop cloud: MiniStack as a child process on a loopback port."""

from __future__ import annotations

import asyncio
import shutil
import socket

import httpx

from smyth.local.children import Child, child_environment, start_child
from smyth.local.folder import DataFolder, LocalCloudError

#: The one region and account that the laptop cloud lives in.
REGION = "us-east-1"
ACCOUNT = "000000000000"
_START_SECONDS = 60.0


class Emulator:
    """A running emulator."""

    def __init__(self, child: Child, port: int) -> None:
        self.child = child
        self.url = f"http://127.0.0.1:{port}"

    @classmethod
    async def start(cls, folder: DataFolder) -> Emulator:
        """Start the emulator on the folder's saved state and wait for its first answer.

        Raises:
            LocalCloudError: It did not start; the message names its log.
        """
        shutil.rmtree(folder.temporary, ignore_errors=True)
        folder.create()
        listener = _listen(folder.read_settings().get("emulator_port", 0))
        port: int = listener.getsockname()[1]
        folder.remember(emulator_port=port)
        child = await start_child(
            "emulator",
            ["-m", "smyth.local.emulator_process", str(folder.root)],
            folder=folder,
            listener=listener,
            environment=_environment(folder, port),
        )
        emulator = cls(child, port)
        try:
            await emulator._first_answer()
        except BaseException:
            await child.stop()
            raise
        return emulator

    async def _first_answer(self) -> None:
        async with httpx.AsyncClient(timeout=_START_SECONDS, trust_env=False) as http:
            answer = asyncio.ensure_future(http.get(f"{self.url}/_ministack/health"))
            died = asyncio.ensure_future(self.child.process.wait())
            await asyncio.wait({answer, died}, return_when=asyncio.FIRST_COMPLETED)
            failed = died.done() or answer.exception() is not None
            for task in (answer, died):
                task.cancel()
            await asyncio.gather(answer, died, return_exceptions=True)
        if failed:
            raise LocalCloudError(f"the emulator did not start; see {self.child.log}")

    async def stop(self) -> None:
        """Stop it; it saves everything first."""
        await self.child.stop()


def client_environment(url: str) -> dict[str, str]:
    """What makes AWS clients speak with the emulator at ``url``."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "laptop",
    }


def _listen(wanted: int) -> socket.socket:
    """A listening loopback socket, on the port of the last start where that is free.

    Deployed settings may bear the address, so it should stay the same.
    """
    # Without its protocol named asyncio leaves Nagle on, which costs 40 ms an answer.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", wanted))
    except OSError:
        listener.bind(("127.0.0.1", 0))
    listener.listen(512)
    return listener


def _environment(folder: DataFolder, port: int) -> dict[str, str]:
    """The environment of the emulator and, through it, of every function."""
    return child_environment() | {
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": REGION,
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "STATE_DIR": str(folder.blobs),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(folder.objects),
        "TMPDIR": str(folder.temporary),
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "DOCKER_HOST": "unix:///nonexistent",
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONUNBUFFERED": "1",
    }
