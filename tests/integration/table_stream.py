"""Batches of the table's stream, made of what stands in the table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from smyth.http.services import services
from smyth.platform.entries import Entry

Image = dict[str, Any]


def image(pk: str, sk: str) -> Image | None:
    """An item as the stream shows it."""
    table = services().table
    found = table.client.get_item(TableName=table.name, Key={"pk": {"S": pk}, "sk": {"S": sk}}, ConsistentRead=True)
    return found.get("Item")


def record(pk: str, sk: str, old: Image | None = None) -> Image:
    """The record of a change from ``old`` to what is there now."""
    new = image(pk, sk)
    keys = {"pk": {"S": pk}, "sk": {"S": sk}}
    images = {name: value for name, value in (("NewImage", new), ("OldImage", old)) if value is not None}
    event = "REMOVE" if new is None else "MODIFY" if old else "INSERT"
    return {
        "eventID": f"{pk}/{sk}",
        "eventName": event,
        "eventSource": "aws:dynamodb",
        "dynamodb": {"Keys": keys, "SequenceNumber": "1", "StreamViewType": "NEW_AND_OLD_IMAGES", **images},
    }


def ended(entry: Entry) -> Image:
    """The record of an entry that became final."""
    return record(f"T#{entry.tenant_id}#L#{entry.day}", entry.request_id, {"status": {"S": "reserved"}})


def counted(tenant_id: str, meter: str) -> Image:
    """The record of a meter that counted."""
    return record(f"T#{tenant_id}#METER#{meter}", "0")


def alerts_of(tenant_id: str) -> list[Image]:
    """The records of a tenant's alerts as they stand now."""
    found = services().table.query(f"T#{tenant_id}#ALERT", prefix="SENT#")
    return [record(item["pk"], item["sk"]) for item in found]


@dataclass
class Receiver:
    """Somebody's address: what it was sent, and how it answers."""

    url: str = ""
    status: int = 204
    messages: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def receiver() -> Iterator[Receiver]:
    """An address on this machine that takes webhooks."""
    got = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            got.messages.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(got.status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    got.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield got
    finally:
        server.shutdown()
        server.server_close()
