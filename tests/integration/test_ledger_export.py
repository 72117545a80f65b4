"""The ledger as files: each final entry once, whatever the stream repeats, cuts or mixes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from ulid import ULID

from smyth.http.services import services
from smyth.platform.entries import Entry, Figures
from smyth.platform.ledger_export import ExportFailed, export, file_name, read_rows
from tests.integration.events import LambdaContext, handler, new_tenant_id
from tests.integration.table_stream import ended, record
from tests.integration.test_metering import admit, caller_with

FIGURES = Figures(model="m", input_tokens=10, output_tokens=5, provider_cost=1_234, duration_ms=7)


def entry(tenant_id: str, at: datetime) -> Entry:
    made = Entry(request_id=str(ULID()), tenant_id=tenant_id, at=at, fee=10_000, lease_until=at)
    return made.settled(FIGURES)


def exported(*entries: Entry) -> list[dict[str, Any]]:
    """The rows of these entries' tenant, in the files they belong into."""
    rows = []
    for name in sorted({file_name(one) for one in entries}):
        found = services().ledger_files.read(name)
        rows += list(read_rows(found[0]).values()) if found else []
    return [row for row in rows if row["tenant_id"] == entries[0].tenant_id]


def test_final_entries_are_exported_and_open_ones_are_not() -> None:
    caller = caller_with(None, plan="payg")
    settled, released, still_open = admit(caller), admit(caller), admit(caller)
    services().meter.settle(settled, FIGURES)
    services().meter.release(released)
    batch = {"Records": [ended(one.entry) for one in (settled, released, still_open)]}
    assert handler("table_changes")(batch, LambdaContext())["exported"] == 2
    rows = {row["request_id"]: row for row in exported(settled.entry, released.entry)}
    assert set(rows) == {settled.entry.request_id, released.entry.request_id}
    row = rows[settled.entry.request_id]
    assert (row["price"], row["fee"], row["provider_cost"], row["status"]) == (11_234, 10_000, 1_234, "settled")
    assert rows[released.entry.request_id]["price"] == 0


def test_a_batch_that_comes_again_in_other_parts_adds_nothing() -> None:
    caller = caller_with(None, plan="payg")
    admissions = [admit(caller) for _ in range(6)]
    for admission in admissions:
        services().meter.settle(admission, FIGURES)
    records = [ended(admission.entry) for admission in admissions]
    run = handler("table_changes")
    told = [
        run({"Records": part}, LambdaContext())["exported"] for part in (records[:4], records, records[3:], records)
    ]
    assert told == [4, 2, 0, 0]
    ids = [row["request_id"] for row in exported(*(admission.entry for admission in admissions))]
    assert sorted(ids) == sorted(admission.entry.request_id for admission in admissions)


def test_what_was_final_before_and_what_was_deleted_is_no_news() -> None:
    caller = caller_with(None, plan="payg")
    admission = admit(caller)
    services().meter.settle(admission, FIGURES)
    pk, sk = f"T#{caller.tenant_id}#L#{admission.entry.day}", admission.entry.request_id
    deleted = record(pk, "gone", {"status": {"S": "settled"}})
    batch = {"Records": [record(pk, sk, {"status": {"S": "settled"}}), deleted]}
    assert handler("table_changes")(batch, LambdaContext())["exported"] == 0


def test_entries_lie_by_the_day_and_five_minutes_in_which_they_were_admitted() -> None:
    tenant_id = new_tenant_id()
    late = datetime(2026, 5, 31, 23, 59, 59, tzinfo=UTC)
    entries = [entry(tenant_id, late), entry(tenant_id, late + timedelta(seconds=1))]
    assert [file_name(one) for one in entries] == ["day=2026-05-31/2355.json.gz", "day=2026-06-01/0000.json.gz"]
    assert export(services().ledger_files, entries) == 2
    assert len(exported(entries[0])) == len(exported(entries[1])) == 1


def test_writers_of_one_file_at_once_lose_nothing_and_repeat_nothing() -> None:
    tenant_id, random = new_tenant_id(), Random(7)
    at = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    entries = [entry(tenant_id, at) for _ in range(60)]
    deliveries = [random.sample(entries, 15) for _ in range(12)] + [
        entries[start : start + 10] for start in range(0, 60, 10)
    ]

    def deliver(part: list[Entry]) -> int:
        while True:
            try:
                return export(services().ledger_files, part)
            except ExportFailed:
                continue

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(deliver, deliveries)) == 60
    ids = [row["request_id"] for row in exported(*entries)]
    assert sorted(ids) == sorted(one.request_id for one in entries)


def test_an_export_that_never_gets_its_turn_says_so() -> None:
    class Crowded:
        def read(self, name: str) -> None:
            return None

        def write(self, name: str, content: bytes, seen: str | None) -> bool:
            return False

    with pytest.raises(ExportFailed, match="repeated"):
        export(Crowded(), [entry(new_tenant_id(), datetime(2026, 1, 1, tzinfo=UTC))])


@pytest.mark.parametrize(
    "event", [None, {}, {"Records": [{}]}, {"Records": [{"dynamodb": {"Keys": {}}}]}, {"Records": 5}]
)
def test_what_is_no_batch_of_the_stream_is_refused(event: Any) -> None:
    with pytest.raises(ValueError, match="Expected a"):
        handler("table_changes")(event, LambdaContext())
