"""The embedded AWS, killed 20 times under writes: what was acknowledged a second before is there, nothing is torn."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from smyth.aws.clients import client
from tests.e2e.laptop import ROOT, processes_of

_TABLE = {
    "TableName": "pairs",
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
    "BillingMode": "PAY_PER_REQUEST",
}
#: Runs the emulator as ``smyth dev`` does, tells its address, waits.
_EMULATOR = """
import asyncio, sys
from pathlib import Path
from smyth.local.children import end_leftovers
from smyth.local.emulator import Emulator
from smyth.local.folder import DataFolder
async def main():
    folder = DataFolder(Path(sys.argv[1]))
    with folder.locked():
        end_leftovers(folder)
        emulator = await Emulator.start(folder)
        print(emulator.url, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


class Group:
    """The emulator and its parent, in a process group of their own."""

    def __init__(self, data: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _EMULATOR, str(data)],
            env={**os.environ, "PYTHONPATH": str(ROOT / "shared")},
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Writer(threading.Thread):
    """Writes pairs of items in one transaction, and an object each; notes what was acknowledged, and when."""

    def __init__(self, url: str, name: str) -> None:
        super().__init__(daemon=True)
        self.url, self.prefix = url, name
        self.acknowledged: list[tuple[float, str]] = []

    def run(self) -> None:
        table, store = client("dynamodb", self.url), client("s3", self.url)
        number = 0
        while True:
            key = f"{self.prefix}-{number}"
            number += 1
            puts = [
                {"Put": {"TableName": "pairs", "Item": {"pk": {"S": key}, "sk": {"S": half}, "text": {"S": key * 50}}}}
                for half in ("left", "right")
            ]
            try:
                store.put_object(Bucket="objects", Key=f"t/{key}", Body=key.encode() * 500)
                table.transact_write_items(TransactItems=puts)
            except (BotoCoreError, ClientError):
                return
            self.acknowledged.append((time.monotonic(), key))


def _check(url: str, wanted: set[str]) -> None:
    table, store = client("dynamodb", url), client("s3", url)
    halves: dict[str, set[str]] = {}
    for page in table.get_paginator("scan").paginate(TableName="pairs"):
        for item in page["Items"]:
            assert item["text"]["S"] == item["pk"]["S"] * 50
            halves.setdefault(item["pk"]["S"], set()).add(item["sk"]["S"])
    assert wanted <= halves.keys(), f"lost: {sorted(wanted - halves.keys())[:5]}"
    torn = [key for key, found in halves.items() if found != {"left", "right"}]
    assert torn == []
    for key in random.Random(len(halves)).sample(sorted(halves), min(20, len(halves))):
        assert store.get_object(Bucket="objects", Key=f"t/{key}")["Body"].read() == key.encode() * 500


@pytest.mark.xdist_group("kill")
def test_twenty_kills_lose_no_more_than_a_second_and_tear_nothing(tmp_path: Path) -> None:
    moments = random.Random(7)
    wanted: set[str] = set()
    for number in range(20):
        group = Group(tmp_path)
        if number == 0:
            client("dynamodb", group.url).create_table(**_TABLE)
            client("s3", group.url).create_bucket(Bucket="objects")
        else:
            _check(group.url, wanted)
        writers = [Writer(group.url, f"{number}-{name}") for name in "ab"]
        for writer in writers:
            writer.start()
        writers[0].join(moments.uniform(1.05, 1.6))
        at_kill = time.monotonic()
        group.kill()
        for writer in writers:
            writer.join()
            wanted |= {key for at, key in writer.acknowledged if at < at_kill - 1}
        assert processes_of(tmp_path) == []
    group = Group(tmp_path)
    _check(group.url, wanted)
    group.kill()
    assert len(wanted) > 40
