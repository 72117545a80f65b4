"""An embedded AWS for tests: one MiniStack child per test process, with the product's table and bucket in it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3

REGION = "us-east-1"
TABLE = "smyth-test"
BUCKET = "smyth-test"
KNOWLEDGE_QUEUE = "smyth-test-knowledge"
TRIGGER_QUEUE = "smyth-test-triggers"
EVENT_BUS = "smyth-test"
SCHEDULE_GROUP = "smyth-test"
OPERATOR_KEY = "OperatorKeyOfTheTests0123456789"
_START_SECONDS = 60

# Ends itself when the pipe to its parent ends, however the parent went.
_CHILD = """
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
from ministack.app import main
sys.argv = ["ministack"]
main()
"""


@contextmanager
def emulator(folder: Path, **further: str) -> Iterator[str]:
    """Run MiniStack in ``folder``, with ``further`` environment, and yield its address; it is gone afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with (folder / "emulator.log").open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-c", _CHILD],
            cwd=folder,
            env=_environment(folder, port) | further,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
        )
        try:
            _wait(url, child, folder / "emulator.log")
            yield url
        finally:
            child.kill()  # Nothing of it is kept, so it need not save.
            child.wait()


def point_here(url: str) -> dict[str, str]:
    """The environment in which code finds the emulator and the product's resources."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "000000000000",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "TABLE_NAME": TABLE,
        "BUCKET_NAME": BUCKET,
        "OPERATOR_SECRET_ARN": "operator-key",
        "KNOWLEDGE_QUEUE_URL": f"{url}/000000000000/{KNOWLEDGE_QUEUE}",
        "TRIGGER_QUEUE_URL": f"{url}/000000000000/{TRIGGER_QUEUE}",
        "TRIGGER_QUEUE_ARN": f"arn:aws:sqs:{REGION}:000000000000:{TRIGGER_QUEUE}",
        "EVENT_BUS_NAME": EVENT_BUS,
        "SCHEDULE_GROUP": SCHEDULE_GROUP,
        "SCHEDULE_ROLE_ARN": "arn:aws:iam::000000000000:role/smyth-test-schedules",
    }


def create_resources(url: str, dynamodb_url: str = "") -> None:
    """Create the table, the bucket and the operator's key as the stack has them; the table may lie elsewhere."""
    where = {"endpoint_url": url, "region_name": REGION}
    boto3.client("s3", **where).create_bucket(Bucket=BUCKET)
    for queue in (KNOWLEDGE_QUEUE, TRIGGER_QUEUE):
        boto3.client("sqs", **where).create_queue(QueueName=queue)
    boto3.client("events", **where).create_event_bus(Name=EVENT_BUS)
    boto3.client("scheduler", **where).create_schedule_group(Name=SCHEDULE_GROUP)
    boto3.client("secretsmanager", **where).create_secret(Name="operator-key", SecretString=OPERATOR_KEY)
    boto3.client("dynamodb", endpoint_url=dynamodb_url or url, region_name=REGION).create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "lease_pk", "lease_sk")
        ],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "lease",
                "KeySchema": [
                    {"AttributeName": "lease_pk", "KeyType": "HASH"},
                    {"AttributeName": "lease_sk", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )


def _environment(folder: Path, port: int) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return own | {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
        "TMPDIR": str(folder),
        "LOG_LEVEL": "WARNING",
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "DOCKER_HOST": "unix:///nonexistent",
    }


def _wait(url: str, child: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while child.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/_ministack/health", timeout=2):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)
    raise RuntimeError(f"the emulator did not start:\n{log.read_text(errors='replace')[-2000:]}")
