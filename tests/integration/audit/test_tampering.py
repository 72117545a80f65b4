"""The chain in the table: written by many at once, and what the check finds when somebody puts hand to it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from smyth.aws.audit import DynamoAudit
from smyth.aws.table import Table, delete, key, put, update
from smyth.http.services import services
from smyth.platform.audit import Audit, Event, Head, Wanted, hash_of
from smyth.platform.audit_check import Report, check
from tests.integration.events import new_tenant_id

MONTH = "2026-03"


class Chain:
    """A tenant's chain, with hands on its items."""

    def __init__(self) -> None:
        self.id = new_tenant_id()
        self.table: Table = services().table
        self.now = datetime(2026, 3, 14, 12, tzinfo=UTC)
        self.audit = Audit(DynamoAudit(self.table), lambda: self.now)

    def write(self, *actions: str) -> None:
        for action in actions:
            self.audit.record(Event(tenant_id=self.id, action=action))

    def at(self, seq: int, month: str = MONTH) -> dict[str, Any]:
        return key(f"T#{self.id}#A#{month}", f"{seq:012d}")

    def item(self, seq: int) -> dict[str, Any]:
        at = self.at(seq)
        item = self.table.get(at["pk"], at["sk"])
        assert item is not None
        return item

    def lay(self, seq: int, item: dict[str, Any]) -> None:
        self.table.write(put(item | self.at(seq)))

    def drop(self, seq: int) -> None:
        self.table.write(delete(self.at(seq)))

    def head(self) -> Head:
        return self.audit.head(self.id)

    def set_head(self, head: Head) -> None:
        values = {"seq": head.seq, "hash": head.hash}
        self.table.write(update(key(f"T#{self.id}#A", "HEAD"), "SET #seq = :seq, #hash = :hash", values))

    def check(self, known: str = "") -> Report:
        entries, place, head = self.audit.export(self.id, limit=1000)
        assert place == ""
        assert head is not None
        end = {"chain": self.id, "seq": head.seq, "hash": head.hash}
        return check([entry.document() for entry in entries], end, known=known)

    def kinds(self, known: str = "") -> set[str]:
        return {finding.kind for finding in self.check(known).findings}

    def rewrite(self, until: int) -> None:
        """Do what the product does, from a table that is one's own: a whole new chain."""
        for seq in range(1, self.head().seq + 1):
            self.drop(seq)
        self.table.write(delete(key(f"T#{self.id}#A", "HEAD")))
        self.write(*(f"forged {seq}" for seq in range(1, until + 1)))


@pytest.fixture
def chain() -> Chain:
    made = Chain()
    made.write("a", "b", "c", "d", "e")
    return made


def test_an_untouched_chain_is_whole(chain: Chain) -> None:
    report = chain.check()
    assert (report.entries, report.findings) == (5, ())
    assert report.head == f"5:{chain.head().hash}"


@pytest.mark.parametrize("member", ["action", "actor", "at", "outcome", "source_ip", "previous", "tenant_id"])
def test_a_changed_member_is_found(chain: Chain, member: str) -> None:
    chain.lay(3, chain.item(3) | {member: "2026-03-14T11:00:00.000Z"})
    assert "changed" in chain.kinds()


@pytest.mark.parametrize(("member", "value"), [("seq", "three"), ("seq", 0), ("fields", "none"), ("status", b"x")])
def test_a_member_of_another_kind_is_found(chain: Chain, member: str, value: Any) -> None:
    chain.write("z")
    chain.lay(3, chain.item(3) | {member: value, "action": "y"})
    assert "changed" in chain.kinds()


def test_a_member_that_was_taken_away_is_found(chain: Chain) -> None:
    chain.lay(3, {name: value for name, value in chain.item(3).items() if name != "action"})
    assert "changed" in chain.kinds()


def test_an_entry_that_was_changed_and_hashed_anew_is_found(chain: Chain) -> None:
    entries, _, _ = chain.audit.export(chain.id, limit=10)
    forged = entries[2].document() | {"actor": "somebody else"}
    chain.lay(3, forged | {"hash": hash_of(forged)})
    assert chain.kinds() == {"replaced"}


@pytest.mark.parametrize("seq", [1, 3])
def test_a_deleted_entry_is_found(chain: Chain, seq: int) -> None:
    chain.drop(seq)
    (finding,) = chain.check().findings
    assert (finding.kind, finding.seq) == ("missing", seq)


def test_exchanged_entries_are_found(chain: Chain) -> None:
    two, three = chain.item(2), chain.item(3)
    chain.lay(2, three)
    chain.lay(3, two)
    assert chain.kinds() == {"missing", "misplaced"}


def test_exchanged_contents_are_found(chain: Chain) -> None:
    two, three = chain.item(2), chain.item(3)
    chain.lay(2, three | {"seq": 2})
    chain.lay(3, two | {"seq": 3})
    assert "changed" in chain.kinds()


def test_an_inserted_entry_is_found(chain: Chain) -> None:
    chain.table.write(put(chain.item(2) | key(f"T#{chain.id}#A#{MONTH}", "000000000002x")))
    assert chain.kinds() == {"misplaced"}


def test_an_entry_of_another_chain_is_found(chain: Chain) -> None:
    other = Chain()
    other.write("a", "b", "x")
    chain.lay(3, other.item(3))
    assert {"foreign", "replaced"} <= chain.kinds()


def test_a_cut_end_is_found(chain: Chain) -> None:
    chain.drop(5)
    chain.drop(4)
    (finding,) = chain.check().findings
    assert (finding.kind, finding.seq) == ("truncated", 4)


def test_an_entry_behind_the_end_is_found_and_nothing_is_written_over_it(chain: Chain) -> None:
    chain.lay(6, chain.item(5) | {"seq": 6})
    assert "forged" in chain.kinds()
    with pytest.raises(RuntimeError, match="smyth audit verify"):
        chain.write("f")


def test_another_last_entry_is_found(chain: Chain) -> None:
    chain.set_head(Head(seq=5, hash="0" * 64))
    assert chain.kinds() == {"replaced"}


def test_a_cut_end_with_a_moved_head_is_found_by_what_was_noted(chain: Chain) -> None:
    noted = chain.check().head
    chain.drop(5)
    chain.set_head(Head(seq=4, hash=chain.item(4)["hash"]))
    assert chain.kinds() == set()
    assert chain.kinds(noted) == {"truncated"}


@pytest.mark.parametrize("length", [4, 5, 6])
def test_a_whole_new_chain_is_found_by_what_was_noted(chain: Chain, length: int) -> None:
    noted = chain.check().head
    chain.rewrite(length)
    assert chain.kinds() == set()
    assert chain.kinds(noted) == ({"truncated"} if length == 4 else {"rewritten"})


def test_what_was_noted_holds_when_the_chain_has_grown(chain: Chain) -> None:
    noted = chain.check().head
    chain.write("f", "g")
    assert chain.kinds(noted) == set()


def test_many_writers_at_once_make_one_chain() -> None:
    chain = Chain()
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(chain.write, [f"action {number}" for number in range(48)]))
    report = chain.check()
    assert (report.entries, report.findings) == (48, ())


def test_a_chain_goes_on_through_months_and_pages_cross_them() -> None:
    chain = Chain()
    for month in (3, 4, 6):
        chain.now = chain.now.replace(month=month)
        chain.write("x", "y")
    assert chain.check().findings == ()
    seen: list[int] = []
    place = ""
    for _ in range(6):
        found, place = chain.audit.page(chain.id, Wanted(), limit=1, after=place)
        seen += [entry.seq for entry in found]
    assert (seen, place) == ([6, 5, 4, 3, 2, 1], "")


def test_a_clock_that_goes_back_does_not_turn_the_chain_back() -> None:
    chain = Chain()
    chain.now = datetime(2026, 4, 1, 0, 0, 0, tzinfo=UTC)
    chain.write("first")
    chain.now = datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC)
    chain.write("second")
    assert chain.check().findings == ()
    entries, _, _ = chain.audit.export(chain.id, limit=10)
    assert [entry.at for entry in entries] == ["2026-04-01T00:00:00.000Z"] * 2


def test_a_refusal_is_told_again_in_the_next_minute() -> None:
    chain = Chain()
    refusal = Event(tenant_id=chain.id, action="GET /x", outcome="refused", status=403, actor="key-1")
    told = [chain.audit.record_refusal(refusal) for _ in range(3)]
    chain.now = chain.now.replace(minute=1)
    told.append(chain.audit.record_refusal(refusal))
    assert [entry is not None for entry in told] == [True, False, False, True]
    assert chain.check().entries == 2


def test_a_lost_answer_of_the_table_does_not_double_an_entry(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    transact: Callable[..., None] = chain.table.transact
    done: list[int] = []

    def twice(writes: list[Any]) -> None:
        transact(writes)
        if not done:
            done.append(1)
            transact(writes)  # As a client does whose first answer was lost, with a token that was forgotten.

    monkeypatch.setattr(chain.table, "transact", twice)
    chain.write("f")
    monkeypatch.undo()
    assert (chain.check().entries, chain.check().findings) == (6, ())
