"""Gap: MiniStack writes its state at a graceful stop only, so a kill loses everything since the start.

Runs inside the emulator's process. A few times a second it saves what changed: items of tables one by one, as they
are put and deleted; the other services whole, when their state differs from what was saved. Requests are handled on
the event loop, so what a save gathers between two of them is a consistent cut.
"""

from __future__ import annotations

import asyncio
import json
import logging
import zlib
from collections import defaultdict, deque
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ministack import app as ministack  # type: ignore[import-untyped]
from ministack.core import persistence  # type: ignore[import-untyped]
from ministack.services import dynamodb, lambda_svc  # type: ignore[import-untyped]

from smyth.local.state import ItemChange, StateFile

_LOG = logging.getLogger(__name__)
#: Two of these plus the write itself stay well under the second that a kill may cost.
_INTERVAL_SECONDS = 0.25
#: Counts and index members are derived from the items.
_DERIVED = {"items", "ItemCount", "TableSizeBytes", dynamodb._INDEX_MEMBERS}
#: Metric points change with every call and nobody's work is lost with them: saved with a stack and at the stop only.
_SELDOM = {"cloudwatch", "cloudtrail"}


class Snapshots:
    """Restores the saved state and keeps saving it."""

    def __init__(self, state: StateFile) -> None:
        self._state = state
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="snapshots")
        self._changes: deque[tuple[dict[str, Any], str, str]] = deque()
        self._saved: dict[str, int] = {}
        self._tables: dict[str, int] = {}
        self._lock = asyncio.Lock()
        self.requests = 0
        """Counted by the server: a save looks at the services only when there was a request."""

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

    async def run(self) -> None:
        """Save again and again until cancelled."""
        seen = 0
        while True:
            await asyncio.sleep(_INTERVAL_SECONDS)
            if self.requests == seen and not self._changes:
                continue
            seen = self.requests
            try:
                await self.save(everything=False)
            except Exception:
                _LOG.exception("the state could not be saved; trying again")

    async def save(self, *, everything: bool) -> None:
        """Save what changed; with ``everything`` also metrics and a stack that is being changed."""
        async with self._lock:
            tables = {_home(key): table for key, table in dynamodb._tables._data.items()}
            services = self._changed_services(everything)
            dropped = [home for home, identity in self._tables.items() if id(tables.get(home)) != identity]
            changes = self._changed_items(tables)
            if not (services or dropped or changes):
                return
            await asyncio.get_running_loop().run_in_executor(
                self._writer, lambda: self._state.save(services=services, changes=changes, dropped_tables=dropped)
            )
            self._saved.update({name: zlib.crc32(text.encode()) for name, text in services.items()})
            self._tables = {home: id(table) for home, table in tables.items()}

    def _changed_items(self, tables: dict[str, dict[str, Any]]) -> list[ItemChange]:
        keys: set[tuple[str, str, str]] = set()
        homes = {id(table): home for home, table in tables.items()}
        while self._changes:
            table, pk, sk = self._changes.popleft()
            if id(table) in homes:
                keys.add((homes[id(table)], pk, sk))
        return [ItemChange(home, pk, sk, tables[home]["items"].get(pk, {}).get(sk)) for home, pk, sk in keys]

    def _changed_services(self, everything: bool) -> dict[str, str]:
        """Services whose state is not what was saved last.

        None while a stack is being changed: a stack that is saved half made could not be updated after a kill.
        """
        if not everything and _stack_in_progress():
            return {}
        changed = {}
        getters = ministack._build_persistence_save_dict()
        for name in sorted(getters, key=lambda name: name in _SELDOM):
            if name in _SELDOM and not everything and "cloudformation" not in changed:
                continue
            try:
                state = _tables_without_items() if name == "dynamodb" else getters[name]()
                text = json.dumps(state, default=persistence._json_default)
            except RuntimeError:
                continue  # a thread is changing it right now; the next save takes it
            if state is not None and self._saved.get(name) != zlib.crc32(text.encode()):
                changed[name] = text
        return changed


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
