"""Gap: MiniStack writes its state at a graceful stop only, so a kill loses everything since the start.

Runs inside the emulator's process. A few times a second it saves what changed: items of tables one by one, as they
are put and deleted; the other services whole, when their state differs from what was saved. Requests are handled on
the event loop, so what a save gathers between two of them is a consistent cut.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
import zlib
from collections import defaultdict, deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ministack import app as ministack  # type: ignore[import-untyped]
from ministack.core import persistence  # type: ignore[import-untyped]
from ministack.services import dynamodb, lambda_svc  # type: ignore[import-untyped]

from smyth.local.state import ItemChange, StateFile

_LOG = logging.getLogger(__name__)
#: Two of these plus the write itself stay well under the second that a kill may cost.
_INTERVAL_SECONDS = 0.25
#: Things also change without a request, by schedules and events; nobody was told that those are kept.
_LOOK_ANYWAY_SECONDS = 5.0
_ITEM_WRITES = {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"}
_READS = ("Get", "Describe", "List", "Query", "Scan", "BatchGet", "TransactGet")
#: Counts and index members are derived from the items.
_DERIVED = {"items", "ItemCount", "TableSizeBytes", dynamodb._INDEX_MEMBERS}
#: Metric points change with every call and nobody's work is lost with them: saved with a stack and at the stop only.
_SELDOM = {"cloudwatch", "cloudtrail"}
#: A table and the key of an item that was put or deleted in it.
_Noted = tuple[dict[str, Any], str, str]


class Snapshots:
    """Restores the saved state and keeps saving it."""

    def __init__(self, state: StateFile) -> None:
        self._state = state
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="snapshots")
        self._changes: deque[_Noted] = deque()
        self._saved: dict[str, int] = {}
        self._tables: dict[str, int] = {}
        self._lock = asyncio.Lock()
        self._services_touched = False
        self._requests = 0

    def restore(self) -> None:
        """Load the last save into the emulator; call it before the emulator starts."""
        for name, text in self._state.services().items():
            data = json.loads(text, object_hook=persistence._json_object_hook)
            ministack._get_module(ministack._state_map[name]).load_persisted_state(data)
            self._saved[name] = zlib.crc32(text.encode())
        tables = {_home(key): table for key, table in dynamodb._tables._data.items()}
        for table in tables.values():
            table["items"] = defaultdict(dict)
        for change in self._state.items():
            if change.home in tables:
                tables[change.home]["items"][change.pk][change.sk] = change.item
        for home, table in tables.items():
            dynamodb._items_replaced(table)
            self._tables[home] = id(table)
        # Code that the last whole save refers to must outlive later deployments until they are saved too.
        lambda_svc.get_state()
        lambda_svc._prune_orphan_code_blobs = lambda referenced: None

    def follow_items(self) -> None:
        """Note every item that is put or deleted from now on."""
        put, remove = dynamodb._set_item, dynamodb._remove_item

        def put_and_note(table: dict[str, Any], pk: str, sk: str, item: dict[str, Any]) -> Any:
            old = put(table, pk, sk, item)
            self._changes.append((table, pk, sk))
            return old

        def remove_and_note(table: dict[str, Any], pk: str, sk: str) -> Any:
            old = remove(table, pk, sk)
            self._changes.append((table, pk, sk))
            return old

        dynamodb._set_item, dynamodb._remove_item = put_and_note, remove_and_note

    def note_request(self, scope: dict[str, Any]) -> None:
        """Tell of an answered request; one that can change a service makes the next save look at the services."""
        self._requests += 1
        self._services_touched = self._services_touched or _can_change_a_service(scope)

    async def run(self) -> None:
        """Save again and again until cancelled."""
        looked, seen = time.monotonic(), 0
        while True:
            await asyncio.sleep(_INTERVAL_SECONDS)
            if self._requests != seen and time.monotonic() - looked > _LOOK_ANYWAY_SECONDS:
                self._services_touched = True
            if self._services_touched:
                looked, seen = time.monotonic(), self._requests
            try:
                await self.save()
            except Exception:
                _LOG.exception("the state could not be saved; trying again")

    async def save(self, *, everything: bool = False) -> None:
        """Save what changed; with ``everything`` also metrics and a stack that is being changed."""
        async with self._lock:
            look, self._services_touched = everything or self._services_touched, False
            services = self._changed_services(everything) if look else {}
            tables = {_home(key): table for key, table in dynamodb._tables._data.items()}
            replaced = [home for home in self._tables.keys() | tables if self._tables.get(home) != id(tables.get(home))]
            noted = list(self._take_noted())
            changes = _changed_items(noted, tables) + _all_items(tables, replaced)
            if not (services or replaced or changes):
                return
            try:
                await asyncio.get_running_loop().run_in_executor(
                    self._writer, lambda: self._state.save(services=services, changes=changes, dropped_tables=replaced)
                )
            except BaseException:
                self._changes.extend(noted)
                self._services_touched = True
                raise
            self._saved.update({name: zlib.crc32(text.encode()) for name, text in services.items()})
            self._tables = {home: id(table) for home, table in tables.items()}

    def _take_noted(self) -> Iterator[_Noted]:
        while self._changes:
            yield self._changes.popleft()

    def _changed_services(self, everything: bool) -> dict[str, str]:
        """Services whose state is not what was saved last.

        None while a stack is being changed: a stack that is saved half made could not be updated after a kill.
        """
        if not everything and _stack_in_progress():
            self._services_touched = True
            return {}
        changed = {}
        getters = ministack._build_persistence_save_dict()
        for name in sorted(getters, key=lambda name: name in _SELDOM):
            if name in _SELDOM and not everything and "cloudformation" not in changed:
                continue
            try:
                state = _tables_without_items() if name == "dynamodb" else getters[name]()
                if name == "cloudformation":
                    del state["stack_events"]  # They grow with each deployment, and only a running one is asked for.
                text = json.dumps(state, default=persistence._json_default)
            except RuntimeError:  # a thread is changing it right now; the next save takes it
                self._services_touched = True
                continue
            if state is not None and self._saved.get(name) != zlib.crc32(text.encode()):
                changed[name] = text
        return changed


def _can_change_a_service(scope: dict[str, Any]) -> bool:
    """Whether a request may change more than items and objects, which are saved by other means."""
    path, headers = scope["path"], dict(scope["headers"])
    if path.startswith("/_aws/execute-api/") or path.endswith("/invocations"):
        return False
    action = headers.get(b"x-amz-target", b"").rpartition(b".")[2].decode()
    if action:
        return action not in _ITEM_WRITES and not action.startswith(_READS)
    of_object = b"/s3/aws4_request" in headers.get(b"authorization", b"") and path.strip("/").count("/") > 0
    return not of_object


def _changed_items(noted: list[_Noted], tables: dict[str, dict[str, Any]]) -> list[ItemChange]:
    homes = {id(table): home for home, table in tables.items()}
    keys = {(homes[id(table)], pk, sk) for table, pk, sk in noted if id(table) in homes}
    return [ItemChange(home, pk, sk, tables[home]["items"].get(pk, {}).get(sk)) for home, pk, sk in keys]


def _all_items(tables: dict[str, dict[str, Any]], homes: list[str]) -> list[ItemChange]:
    return [
        ItemChange(home, pk, sk, item)
        for home in homes
        for pk, below in tables.get(home, {}).get("items", {}).items()
        for sk, item in below.items()
    ]


def _tables_without_items() -> dict[str, Any]:
    full = dynamodb._tables._data
    try:
        dynamodb._tables._data = {
            key: {name: value for name, value in table.items() if name not in _DERIVED} for key, table in full.items()
        }
        state: dict[str, Any] = dynamodb.get_state()
    finally:
        dynamodb._tables._data = full
    return state


def _stack_in_progress() -> bool:
    from ministack.services.cloudformation import _stacks  # type: ignore[import-untyped]

    return any(stack.get("StackStatus", "").endswith("_IN_PROGRESS") for stack in _stacks._data.values())


def _home(scoped_key: tuple[str, str, str]) -> str:
    return "/".join(scoped_key)
