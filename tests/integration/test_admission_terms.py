"""On what terms a request is let in besides budgets: minutes, months where the tenant lives, overage, prepaid."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from ulid import ULID

from smyth.aws.metering import grant_write, take_back_write
from smyth.aws.table import ConditionFailed
from smyth.platform.errors import PaymentRequired, PlatformError, QuotaExceeded, RateLimited
from smyth.platform.idempotency import Taken, new_claim
from smyth.platform.metering import Figures, Metering
from tests.integration.metered import ALL_PLANS, ROUTE, Metered


class TestRates:
    def test_a_minute_has_as_many_requests_as_are_set_and_the_next_minute_again(self) -> None:
        tenant = Metered("slow", requests_per_minute=2)
        tenant.metering.release(tenant.admit())
        tenant.admit()
        with pytest.raises(RateLimited, match="2 requests a minute") as refused:
            tenant.admit()
        assert refused.value.retry_after_s == 46
        tenant.now += timedelta(seconds=46)
        tenant.admit()
        assert len(tenant.ledger) == 3

    def test_a_key_and_an_address_have_minutes_of_their_own(self) -> None:
        tenant = Metered("slow", key_requests_per_minute=1, source_ip="192.0.2.1")
        tenant.metering = Metering(tenant.store, ALL_PLANS, lambda: tenant.now, ip_requests_per_minute=2)
        tenant.admit()
        with pytest.raises(RateLimited, match="This key"):
            tenant.admit()
        tenant.admit(key_id="key-2")
        with pytest.raises(RateLimited, match="Your address"):
            tenant.admit(key_id="key-3")
        tenant.admit(key_id="key-3", source_ip="192.0.2.2")

    def test_64_callers_share_a_minute_exactly(self) -> None:
        tenant = Metered("slow", requests_per_minute=20)

        def attempt(_: int) -> bool:
            try:
                tenant.admit()
            except RateLimited:
                return False
            return True

        with ThreadPoolExecutor(64) as pool:
            assert sum(pool.map(attempt, range(64))) == 20

    def test_a_repeated_request_gets_its_answer_whatever_the_minute_has_left(self) -> None:
        tenant = Metered("slow", requests_per_minute=1)

        def send() -> object:
            request_id = str(ULID())
            held = new_claim(
                tenant_id=tenant.caller.tenant_id,
                route=ROUTE,
                key="k",
                content=b"",
                request_id=request_id,
                now=tenant.now,
                lease=timedelta(minutes=1),
            )
            return tenant.metering.admit(tenant.caller, request_id=request_id, route=ROUTE, claim=held)

        send()
        assert isinstance(send(), Taken)


class TestOverage:
    def test_requests_beyond_the_grant_cost_what_the_plan_takes_there(self) -> None:
        tenant = Metered("generous")
        tenant.client.writes = 0
        for _ in range(4):
            tenant.metering.settle(tenant.admit(), Figures())
        assert [(entry.overage, entry.price) for entry in tenant.ledger] == [(False, 10)] * 2 + [(True, 700)] * 2
        assert tenant.client.writes == 8

    def test_callers_who_race_at_the_end_of_the_grant_get_no_request_of_it_too_many(self) -> None:
        tenant = Metered("generous")
        with ThreadPoolExecutor(32) as pool:
            list(pool.map(lambda _: tenant.admit(), range(32)))
        assert sum(not entry.overage for entry in tenant.ledger) == 2
        assert tenant.store.meter(tenant.caller.tenant_id, "2030-05").used == 32

    def test_a_grant_of_none_is_all_overage(self) -> None:
        assert Metered("generous", limits=(("requests_per_month", 0),)).admit().entry.overage


class TestPrepaid:
    def test_what_was_paid_for_can_be_used_and_topped_up(self) -> None:
        tenant = Metered("prepaid")
        with pytest.raises(PaymentRequired):
            tenant.admit()
        for requests in (1, 2):
            tenant.table.write(grant_write(tenant.caller.tenant_id, requests))
        assert [tenant.admit().remaining for _ in range(3)] == [2, 1, 0]
        with pytest.raises(PaymentRequired):
            tenant.admit()

    def test_only_what_is_left_can_be_taken_back(self) -> None:
        tenant = Metered("prepaid")
        tenant.table.write(grant_write(tenant.caller.tenant_id, 3))
        meter = tenant.store.meter(tenant.caller.tenant_id, "prepaid")
        tenant.admit()
        with pytest.raises(ConditionFailed):
            tenant.table.write(take_back_write(tenant.caller.tenant_id, 3, meter))
        tenant.table.write(take_back_write(tenant.caller.tenant_id, 2, meter))
        with pytest.raises(PaymentRequired):
            tenant.admit()


@pytest.mark.parametrize(
    ("time_zone", "month", "renewal"),
    [("Pacific/Auckland", "2030-06", "2030-06-30T12:00:00"), ("America/New_York", "2030-05", "2030-06-01T04:00:00")],
)
def test_a_month_begins_where_the_tenant_lives(time_zone: str, month: str, renewal: str) -> None:
    tenant = Metered("basic", time_zone=time_zone, limits=(("requests_per_month", 1),))
    tenant.now = datetime(2030, 5, 31, 20, tzinfo=UTC)
    assert tenant.admit().entry.meter == month
    with pytest.raises(QuotaExceeded, match=renewal):
        tenant.admit()


def test_a_refusal_writes_nothing() -> None:
    tenant = Metered("basic", limits=(("requests_per_month", 0),), requests_per_minute=5)
    tenant.client.writes = 0
    with pytest.raises(PlatformError):
        tenant.admit()
    assert (tenant.client.writes, tenant.ledger) == (0, [])


def test_callers_who_race_at_the_end_of_a_grant_write_once_each() -> None:
    tenant = Metered("basic", limits=(("requests_per_month", 10),))

    def ask(_: int) -> bool:
        try:
            tenant.admit()
        except QuotaExceeded:
            return False
        return True

    with ThreadPoolExecutor(64) as pool:
        assert sum(pool.map(ask, range(64))) == 10
    assert tenant.client.writes - tenant.client.repeated - 1 <= 64  # One made the tenant.
    before = tenant.client.writes
    with pytest.raises(QuotaExceeded):
        tenant.admit()
    assert tenant.client.writes == before


def test_a_full_month_that_gets_room_again_lets_in_again() -> None:
    tenant = Metered("basic", limits=(("requests_per_month", 1),))
    admission = tenant.admit()
    for _ in range(2):
        with pytest.raises(QuotaExceeded):
            tenant.admit()
    tenant.metering.release(admission)
    assert tenant.admit().remaining == 0
    assert tenant.admit(limits=(("requests_per_month", 2),)).remaining == 0
