"""Metering when DynamoDB conflicts, throttles, or answers too late: nothing is lost and nothing counts twice."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from ulid import ULID

from smyth.aws.bucket import Bucket
from smyth.aws.idempotency import DynamoClaims
from smyth.aws.metering import DynamoMeter
from smyth.aws.table import Table
from smyth.http.services import services
from smyth.platform.access import Caller
from smyth.platform.errors import Busy, QuotaExceeded
from smyth.platform.metering import Admission, Entry, Figures, Metering
from smyth.platform.plans import PLANS
from tests.integration.events import LambdaContext, handler, new_tenant_id

ROUTE = "POST /api/agents/{agent_id}/prompt"
Call = Callable[..., Any]


class Faulty:
    """A DynamoDB client whose next write calls go wrong as the given faults say."""

    def __init__(self, real: Any) -> None:
        self.real = real
        self.faults: list[Callable[[Call, dict[str, Any]], Any]] = []
        #: How many write calls were made, those of a transaction that is tried again included.
        self.writes = 0
        #: How many of them tried a transaction again that had met another one in the moment.
        self.repeated = 0
        self._tokens: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        call = getattr(self.real, name)
        if name not in ("put_item", "update_item", "delete_item", "transact_write_items"):
            return call

        def guarded(**request: Any) -> Any:
            self.writes += 1
            token = request.get("ClientRequestToken")
            self.repeated += token in self._tokens
            self._tokens |= {token} if token else set()
            return self.faults.pop(0)(call, request) if self.faults else call(**request)

        return guarded


def refused(code: str) -> Callable[[Call, dict[str, Any]], Any]:
    """Nothing is done; DynamoDB says why."""

    def fault(call: Call, request: dict[str, Any]) -> Any:
        raise ClientError({"Error": {"Code": code, "Message": code}}, "TransactWriteItems")

    return fault


def cancelled(reason: str) -> Callable[[Call, dict[str, Any]], Any]:
    """Nothing is done; the transaction met something in the moment."""

    def fault(call: Call, request: dict[str, Any]) -> Any:
        if "TransactItems" not in request:  # A write of its own is not cancelled; it is refused.
            raise ClientError({"Error": {"Code": f"{reason}Exception", "Message": reason}}, "UpdateItem")
        response: Any = {
            "Error": {"Code": "TransactionCanceledException", "Message": reason},
            "CancellationReasons": [{"Code": "None"}, {"Code": reason}],
        }
        raise ClientError(response, "TransactWriteItems")

    return fault


def never_sent(call: Call, request: dict[str, Any]) -> Any:
    """The connection was lost before."""
    raise ReadTimeoutError(endpoint_url="https://dynamodb")


def answer_lost(call: Call, request: dict[str, Any]) -> Any:
    """All is done, but nobody hears of it."""
    call(**request)
    raise ReadTimeoutError(endpoint_url="https://dynamodb")


def answer_lost_and_sent_again(call: Call, request: dict[str, Any]) -> Any:
    """All is done, the answer is lost, and the client library asks again by itself."""
    call(**request)
    return call(**request)


class World:
    """A metering with a clock of its own on a client that can fail."""

    def __init__(self) -> None:
        self.client = Faulty(services().table.client)
        table = Table(os.environ["TABLE_NAME"], self.client)  # type: ignore[arg-type]
        self.store = DynamoMeter(table, DynamoClaims(table, Bucket(os.environ["BUCKET_NAME"])))
        self.now = datetime(2030, 5, 10, 12, tzinfo=UTC)
        self.metering = Metering(self.store, PLANS, lambda: self.now)
        self.tenant_id = new_tenant_id()

    def admit(self, requests: int | None = 5) -> Admission:
        caller = Caller(self.tenant_id, "owner", "key", "basic", (("requests_per_month", requests),))
        admitted = self.metering.admit(caller, request_id=str(ULID()), route=ROUTE)
        assert isinstance(admitted, Admission)
        return admitted

    @property
    def used(self) -> int:
        return self.store.meter(self.tenant_id, "2030-05").used

    @property
    def ledger(self) -> list[Entry]:
        return list(self.store.entries(self.tenant_id, self.now.date()))


@pytest.fixture
def world() -> World:
    return World()


PASSING = [
    cancelled("TransactionConflict"),
    cancelled("ThrottlingError"),
    refused("TransactionInProgressException"),
    refused("ThrottlingException"),
    never_sent,
    answer_lost,
    answer_lost_and_sent_again,
]


@pytest.mark.parametrize("fault", PASSING)
def test_an_admission_counts_once_whatever_happens_on_the_way(world: World, fault: Any) -> None:
    world.client.faults = [fault, fault]
    assert world.admit(5).remaining == 4
    assert (world.used, len(world.ledger)) == (1, 1)


@pytest.mark.parametrize("fault", PASSING)
def test_a_release_gives_back_once_whatever_happens_on_the_way(world: World, fault: Any) -> None:
    admission = world.admit()
    world.admit()
    world.client.faults = [fault, fault]
    assert world.metering.release(admission)
    assert world.used == 1


@pytest.mark.parametrize("fault", PASSING)
def test_a_refusal_stays_a_refusal_on_the_way(world: World, fault: Any) -> None:
    world.admit(1)
    world.client.faults = [fault] if fault not in (answer_lost, answer_lost_and_sent_again) else []
    with pytest.raises(QuotaExceeded):
        world.admit(1)
    assert (world.used, len(world.ledger)) == (1, 1)


def test_an_unlimited_admission_that_is_sent_twice_is_one_entry(world: World) -> None:
    world.client.faults = [answer_lost_and_sent_again]
    assert world.admit(None).remaining is None
    assert len(world.ledger) == 1


def test_a_settlement_that_is_sent_twice_is_one(world: World) -> None:
    admission = world.admit()
    world.client.faults = [answer_lost_and_sent_again]
    assert world.metering.settle(admission, Figures(input_tokens=3))
    assert [entry.input_tokens for entry in world.ledger] == [3]


def test_a_store_that_stays_silent_is_busy(world: World) -> None:
    world.client.faults = [never_sent]
    with pytest.raises(Busy):
        world.admit(None)
    assert world.ledger == []


def test_a_settlement_that_cannot_be_written_is_left_to_the_sweeper(world: World) -> None:
    admission = world.admit(None)
    world.metering.note(admission, Figures(model="m", provider_cost=50))
    world.client.faults = [never_sent]
    assert not world.metering.settle(admission, Figures(model="m", provider_cost=50))
    world.now += timedelta(hours=1)
    world.metering.sweep()
    assert [(entry.status, entry.provider_cost) for entry in world.ledger] == [("settled", 50)]


def test_another_fault_is_not_hidden(world: World) -> None:
    world.client.faults = [refused("ValidationException")]
    with pytest.raises(ClientError):
        world.admit()


class TestSweep:
    def test_an_open_entry_is_released_when_its_lease_has_ended(self, world: World) -> None:
        world.admit()
        world.now += timedelta(seconds=58)
        world.metering.sweep()
        assert (world.used, world.ledger[0].status) == (1, "reserved")
        world.now += timedelta(seconds=2)
        world.metering.sweep()
        assert (world.used, world.ledger[0].status) == (0, "released")

    def test_an_entry_that_is_known_to_have_used_something_is_settled(self, world: World) -> None:
        admission = world.admit()
        world.metering.note(admission, Figures(model="m", input_tokens=9, provider_cost=50))
        world.now += timedelta(hours=1)
        world.metering.sweep()
        (entry,) = world.ledger
        assert (entry.status, entry.input_tokens, entry.price, world.used) == ("settled", 9, 50, 1)

    def test_an_entry_that_only_told_that_it_is_at_work_is_released(self, world: World) -> None:
        world.metering.note(world.admit(), Figures(duration_ms=15_000))
        world.now += timedelta(hours=1)
        world.metering.sweep()
        assert (world.ledger[0].status, world.used) == ("released", 0)

    def test_an_entry_that_cannot_be_ended_does_not_hold_others_back(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stuck = world.admit().entry.request_id
        world.admit()
        world.now += timedelta(minutes=2)
        end = world.store.end

        def refuse(entry: Entry) -> bool:
            if entry.request_id == stuck:
                raise ValueError("the item of its budget is gone")
            return end(entry)

        with monkeypatch.context() as patched:
            patched.setattr(world.store, "end", refuse)
            world.metering.sweep()
        assert {entry.status for entry in world.ledger if entry.request_id == stuck} == {"reserved"}
        assert world.used == 1
        world.metering.sweep()
        assert world.used == 0

    def test_the_schedule_sweeps(self, world: World) -> None:
        world.now = datetime(2026, 1, 1, tzinfo=UTC)
        world.admit()
        answer = handler("schedule_tick")({"source": "aws.events"}, LambdaContext())
        assert answer["leases"]["released"] >= 1
        assert [entry.status for entry in world.ledger] == ["released"]

    def test_a_settler_who_comes_late_loses_to_the_sweeper(self, world: World) -> None:
        admission = world.admit()
        world.now += timedelta(hours=1)
        world.metering.sweep()
        assert not world.metering.settle(admission, Figures(input_tokens=1))
        assert (world.used, world.ledger[0].status) == (0, "released")

    def test_the_sweeper_leaves_what_was_settled_in_time(self, world: World) -> None:
        world.metering.settle(world.admit(), Figures(input_tokens=1))
        world.now += timedelta(hours=1)
        world.metering.sweep()
        assert (world.used, world.ledger[0].status) == (1, "settled")

    def test_two_sweepers_give_back_once(self, world: World) -> None:
        world.admit()
        world.admit()
        world.now += timedelta(hours=1)
        first = [entry for entry in world.store.overdue(world.now) if entry.tenant_id == world.tenant_id]
        world.metering.sweep()
        for entry in first:
            world.store.end(entry.released(Figures()))
        assert world.used == 0
