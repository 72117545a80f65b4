"""Invoices of a scripted month: every figure is worked out by hand beside it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from ulid import ULID

from smyth.aws.payments import DynamoInvoices, DynamoPayments
from smyth.aws.rollups import DynamoRollups
from smyth.aws.table import Table
from smyth.http.services import services
from smyth.platform.access import Caller
from smyth.platform.billing_settings import Issuer
from smyth.platform.errors import Conflict, NotFound
from smyth.platform.invoices import Account, Invoices
from smyth.platform.metering import Admission, Figures, Metering
from smyth.platform.money import usd
from smyth.platform.payments import NewPayment, Payments
from smyth.platform.plans import load_plans
from smyth.platform.tenants import PlanChange, Tenant
from smyth.platform.usage import Usage
from tests.integration.events import new_tenant_id

ROUTE = "POST /api/agents/{agent_id}/prompt"
TEAM = {
    "price_per_month": 10_000_000,
    "overage_per_request": 20_000,
    "limits": {"requests_per_month": 2},
    "throttle": {"rate": 5, "burst": 5},
}
PLANS = load_plans({"payg": {"model_markup_percent": 20}, "team": TEAM})
APRIL = datetime(2026, 4, 1, tzinfo=UTC)
#: 31 days.
MAY = datetime(2026, 5, 1, tzinfo=UTC)
AFTER = datetime(2026, 6, 1, 2, tzinfo=UTC)


class Month:
    """One tenant's month, with a clock that the test sets."""

    def __init__(self, history: list[tuple[str, datetime]], *, trial_until: datetime | None = None, **more: str):
        self.now = MAY
        self.tenant = Tenant(
            id=new_tenant_id(),
            name="Harbour & Sons",
            plan=history[-1][0],
            usage_identifier="none",
            created_at=history[0][1],
            trial_until=trial_until,
            plan_history=[PlanChange(plan=plan, since=since) for plan, since in history],
            **more,
        )
        table: Table = services().table
        self.meter = Metering(services().meter.store, PLANS, lambda: self.now)
        self.payments = Payments(DynamoPayments(table), PLANS, lambda: self.now)
        self.all: list[Tenant] = []
        self.usage = Usage(self.meter.store, DynamoRollups(table), lambda: self.now)

    def ask(self, day: float, *, plan: str = "", cost: int = 0, released: bool = False) -> None:
        """Send a request so many days into May, which costs the provider so much."""
        self.now = MAY + timedelta(days=day)
        caller = Caller(
            tenant_id=self.tenant.id,
            role="owner",
            key_id="key-1",
            plan=plan or self.tenant.plan,
            time_zone=self.tenant.time_zone,
        )
        admission = self.meter.admit(caller, request_id=str(ULID()), route=ROUTE, agent_id="agt-1")
        assert isinstance(admission, Admission)
        if released:
            self.meter.release(admission)
        else:
            figures = Figures(model="gpt-4o-mini", input_tokens=10, provider_cost=cost) if cost else Figures()
            self.meter.settle(admission, figures)

    def write(self, day: float, **fields: object) -> None:
        self.now = MAY + timedelta(days=day)
        self.payments.record(self.tenant, NewPayment.model_validate(fields), by="operator")

    def invoice(self, *, issuer: Issuer | None = None, plans: object = PLANS, month: str = "2026-05") -> Account:
        self.now = AFTER
        return self.invoices(plans, issuer).of(self.tenant, month)

    def behind(self, after: str) -> list[Tenant]:
        place = [tenant.id for tenant in self.all].index(after) + 1 if after else 0
        return self.all[place:]

    def invoices(self, plans: object, issuer: Issuer | None = None) -> Invoices:
        return Invoices(
            DynamoInvoices(services().table),
            plans=plans,  # type: ignore[arg-type]
            usage=self.usage.rows,
            payments=self.payments.of,
            tenants=self.behind,
            issuer=issuer or Issuer(),
            clock=lambda: self.now,
        )


def lines(account: Account) -> list[tuple[str, int | None, str]]:
    return [(line.kind, line.quantity, usd(line.amount)) for line in account.invoice.lines]


def sums(account: Account) -> list[str]:
    invoice = account.invoice
    return [usd(amount) for amount in (invoice.subtotal, invoice.tax, invoice.total, account.paid, account.due)]


def test_basic_upgraded_to_pro_in_mid_month_with_tax_and_a_payment() -> None:
    month = Month([("basic", APRIL), ("pro", MAY + timedelta(days=15, hours=12))])
    for day in (1, 2, 3):
        month.ask(day, plan="basic")
    month.ask(20, plan="pro", cost=12_345)
    month.ask(21, plan="pro", released=True)
    month.write(31.5, kind="payment", amount="76.17", month="2026-05")
    account = month.invoice(issuer=Issuer(tax_name="VAT", tax_rate=1900))
    assert lines(account) == [
        ("plan", 1, "14.500000"),  # 15.5 of 31 days of $29
        ("plan", 1, "49.500000"),  # 15.5 of 31 days of $99
        ("included", 3, "0.000000"),
        ("included", 1, "0.000000"),
        ("model", 1, "0.012345"),
    ]
    # 64.012345; 19 % of it is 12.16234555; together 76.174691, of which 0.004691 is left and is no whole cent.
    assert sums(account) == ["64.012345", "12.162346", "76.174691", "76.170000", "0.000000"]


def test_pro_with_a_credit_and_a_refund() -> None:
    month = Month([("pro", APRIL)])
    month.write(2, kind="payment", amount="99")
    month.write(3, kind="credit", amount="5.25", note="Slow on Sunday")
    month.write(4, kind="refund", amount="10.00", reference="bank-1")
    account = month.invoice()
    assert lines(account) == [
        ("plan", 1, "99.000000"),
        ("credit", None, "-5.250000"),
        ("refund", None, "-10.000000"),
    ]
    # 99 - 5.25 - 10 = 83.75 owed, 99 - 10 = 89 kept: 5.25 too much.
    assert sums(account) == ["83.750000", "0.000000", "83.750000", "89.000000", "-5.250000"]


def test_enterprise_that_came_late_and_tried_first() -> None:
    came = datetime(2026, 5, 22, tzinfo=UTC)
    month = Month([("enterprise", came)], trial_until=datetime(2026, 5, 25, tzinfo=UTC))
    month.ask(24)
    account = month.invoice()
    assert lines(account) == [
        ("trial", None, "0.000000"),  # 22 to 24 May
        ("plan", 1, "67.516129"),  # 7 of 31 days of $299 are 67.51612903...
        ("included", 1, "0.000000"),
    ]
    assert account.invoice.lines[0].description == "Trial of enterprise, 2026-05-22 to 2026-05-24"
    assert sums(account) == ["67.516129", "0.000000", "67.516129", "0.000000", "67.520000"]


def test_pay_per_use_with_a_markup_on_models() -> None:
    month = Month([("payg", APRIL)])
    month.ask(1, cost=1_001)  # 20 % are 200.2: 1,201
    month.ask(2, cost=1_003)  # 20 % are 200.6: 1,204
    for day in (3, 4, 5):
        month.ask(day)
    month.ask(6, released=True)
    account = month.invoice()
    assert lines(account) == [("pay_per_use", 5, "0.050000"), ("model", 2, "0.002405")]
    assert sums(account) == ["0.052405", "0.000000", "0.052405", "0.000000", "0.050000"]


def test_prepaid_with_a_top_up_and_a_refund_of_what_is_left() -> None:
    month = Month([("prepaid", APRIL)])
    month.write(1, kind="topup", packages=1)
    for day in (2, 3):
        month.ask(day)
    month.ask(4, cost=500)
    month.write(5, kind="refund", amount="10", requests=2_000)
    with pytest.raises(Conflict, match="only 7997 are left"):
        month.write(6, kind="refund", amount="40", requests=7_998)
    account = month.invoice()
    assert lines(account) == [
        ("prepaid_use", 3, "0.000000"),
        ("model", 1, "0.000500"),
        ("package", 10_000, "50.000000"),
        ("refund", None, "-10.000000"),
    ]
    # 50 - 10 + 0.0005 owed, 50 - 10 kept; half a tenth of a cent is no cent.
    assert sums(account) == ["40.000500", "0.000000", "40.000500", "40.000000", "0.000000"]
    meter = month.meter.counted(month.tenant.id, PLANS["prepaid"], month.now)
    assert (meter.granted, meter.used) == (8_000, 3)


def test_a_plan_with_overage_charges_what_is_beyond_its_limit() -> None:
    month = Month([("team", APRIL)])
    for day in range(1, 6):
        month.ask(day)
    account = month.invoice()
    assert lines(account) == [("plan", 1, "10.000000"), ("included", 2, "0.000000"), ("overage", 3, "0.060000")]
    assert sums(account)[2] == "10.060000"


def test_the_month_is_the_tenants_own() -> None:
    month = Month([("payg", APRIL)], time_zone="America/New_York")
    month.ask(3 / 24)  # 3 o'clock in London is still April in New York.
    month.ask(5 / 24)
    assert lines(month.invoice()) == [("pay_per_use", 1, "0.010000")]
    assert lines(month.invoice(month="2026-04")) == [("pay_per_use", 1, "0.010000")]


def test_a_final_invoice_keeps_its_figures_whatever_the_price_list_becomes() -> None:
    month = Month([("pro", APRIL)])
    before = month.invoice()
    dearer = load_plans({"pro": {"price_per_month": 500_000_000}})
    month.now = AFTER
    month.payments.record(
        month.tenant, NewPayment.model_validate({"kind": "payment", "amount": "99", "month": "2026-05"}), by="operator"
    )
    after = month.invoice(plans=dearer)
    assert after.invoice == before.invoice
    assert (before.due, after.due) == (99_000_000, 0)


def test_there_is_no_invoice_for_a_month_before_the_tenant_or_after_now() -> None:
    month = Month([("pro", MAY)])
    for wrong in ("2026-04", "2026-07"):
        with pytest.raises(NotFound, match=wrong):
            month.invoice(month=wrong)


def test_all_invoices_of_a_month_are_kept_once_it_is_over_everywhere() -> None:
    months = [Month([("pro", APRIL)]), Month([("basic", MAY)]), Month([("payg", AFTER)])]
    store = DynamoInvoices(services().table)
    invoices = months[0].invoices(PLANS)
    listed = months[0].all = [month.tenant for month in months]
    months[0].now = datetime(2026, 6, 1, 12, tzinfo=UTC)  # It is still May in one time zone, or not yet settled.
    invoices.issue(lambda: True)
    assert store.get(listed[0].id, "2026-05") is None
    months[0].now = datetime(2026, 6, 1, 14, tzinfo=UTC)
    time = iter([True, False])
    assert invoices.issue(lambda: next(time)) == 1  # Time is up after the first.
    assert invoices.issue(lambda: True) == 1  # The third came in June.
    assert invoices.issue(lambda: True) == 0
    kept = [store.get(tenant.id, "2026-05") for tenant in listed]
    assert [invoice and usd(invoice.total) for invoice in kept] == ["99.000000", "29.000000", None]
