"""Admission, settlement and release on a real table."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from ulid import ULID

from smyth.aws.metering import grant_write
from smyth.http.services import services
from smyth.platform.access import Caller
from smyth.platform.errors import PaymentRequired, QuotaExceeded
from smyth.platform.metering import Admission, Entry, Figures
from smyth.platform.times import utc_now
from tests.integration.events import new_tenant_id

ROUTE = "POST /api/agents/{agent_id}/run/{endpoint}"


def caller_with(requests: int | None, *, plan: str = "basic", tenant_id: str = "") -> Caller:
    limits = (("requests_per_month", requests),)
    return Caller(tenant_id or new_tenant_id(), role="owner", key_id="key-1", plan=plan, limits=limits)


def admit(caller: Caller) -> Admission:
    admitted = services().meter.admit(caller, request_id=str(ULID()), route=ROUTE)
    assert isinstance(admitted, Admission)
    return admitted


def ledger(caller: Caller) -> list[Entry]:
    return list(services().meter.store.entries(caller.tenant_id, utc_now().date()))


def used(caller: Caller) -> int:
    return services().meter.store.meter(caller.tenant_id, f"{utc_now():%Y-%m}").used


def test_remaining_counts_down_by_one_per_admission() -> None:
    caller = caller_with(3)
    assert [admit(caller).remaining for _ in range(3)] == [2, 1, 0]


def test_a_full_meter_refuses_and_writes_nothing() -> None:
    caller = caller_with(1)
    admit(caller)
    with pytest.raises(QuotaExceeded) as refused:
        admit(caller)
    assert 0 < (refused.value.retry_after_s or 0) <= 31 * 86_400
    assert (len(ledger(caller)), used(caller)) == (1, 1)


def test_prepaid_refuses_with_payment_required() -> None:
    caller = caller_with(None, plan="prepaid")
    with pytest.raises(PaymentRequired):
        admit(caller)
    services().table.write(grant_write(caller.tenant_id, 1))
    assert admit(caller).remaining == 0
    with pytest.raises(PaymentRequired):
        admit(caller)


def test_a_grant_of_none_refuses_the_first_request() -> None:
    with pytest.raises(QuotaExceeded):
        admit(caller_with(0))


def test_a_changed_limit_holds_at_the_next_admission() -> None:
    caller = caller_with(1)
    admit(caller)
    assert admit(caller_with(5, tenant_id=caller.tenant_id)).remaining == 3
    with pytest.raises(QuotaExceeded):
        admit(caller_with(2, tenant_id=caller.tenant_id))


def test_64_threads_racing_for_the_last_40_requests_admit_exactly_40() -> None:
    caller = caller_with(40)

    def attempt(_: int) -> bool:
        try:
            return services().meter.settle(admit(caller), Figures())
        except QuotaExceeded:
            return False

    with ThreadPoolExecutor(64) as pool:
        admitted = list(pool.map(attempt, range(200)))
    assert admitted.count(True) == 40
    assert (len(ledger(caller)), used(caller)) == (40, 40)
    assert {entry.status for entry in ledger(caller)} == {"settled"}


def test_a_release_gives_the_request_back_once() -> None:
    caller = caller_with(2)
    admission = admit(caller)
    admit(caller)
    assert services().meter.release(admission)
    assert services().meter.release(admission)
    assert used(caller) == 1


def test_a_settlement_writes_what_was_used_and_what_it_costs() -> None:
    caller = caller_with(None, plan="payg")
    services().meter.settle(admit(caller), Figures(model="m", input_tokens=5, output_tokens=7, provider_cost=123))
    (entry,) = ledger(caller)
    assert (entry.status, entry.model, entry.input_tokens, entry.output_tokens) == ("settled", "m", 5, 7)
    assert (entry.provider_cost, entry.price) == (123, 10_123)


def test_a_settled_entry_is_final() -> None:
    caller = caller_with(2)
    admission = admit(caller)
    services().meter.settle(admission, Figures(input_tokens=1))
    assert not services().meter.release(admission)
    services().meter.settle(admission, Figures(input_tokens=99))
    (entry,) = ledger(caller)
    assert (entry.status, entry.input_tokens, used(caller)) == ("settled", 1, 1)
