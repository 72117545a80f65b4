"""Large files go by a presigned address, which works from the client's side, and their arrival is an event."""

from __future__ import annotations

import time

import httpx

from smyth.aws.clients import client
from tests.e2e.laptop import Dev

_SIZE = 12 * 1024 * 1024


def test_a_presigned_upload_takes_a_file_that_no_request_could_carry(dev: Dev) -> None:
    wanted = {"name": "large.bin", "size": _SIZE, "content_type": "application/octet-stream"}
    with dev.client() as http:
        answer = http.post("/api/storage/upload", json=wanted)
    assert answer.status_code == 201, answer.text
    upload = answer.json()["upload"]
    put = httpx.request(
        upload["method"], upload["url"], headers=upload["headers"], content=b"x" * _SIZE, timeout=60, trust_env=False
    )
    assert put.status_code == 200, put.text
    key = answer.json()["key"]
    [found] = [item for item in _objects(dev) if item["Key"].endswith(key.rpartition("/")[2])]
    assert found["Size"] == _SIZE
    _wait_for_the_event(dev)


def _objects(dev: Dev) -> list[dict[str, object]]:
    pages = client("s3", dev.emulator_url).get_paginator("list_objects_v2")
    return [item for page in pages.paginate(Bucket="smyth-laptop-000000000000-us-east-1") for item in page["Contents"]]


def _wait_for_the_event(dev: Dev) -> None:
    """The function that hears of new objects writes its log a moment later."""
    log = dev.data / "logs" / "functions" / "smyth-laptop-object_created.log"
    deadline = time.monotonic() + 20
    while not log.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert log.exists()
