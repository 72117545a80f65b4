"""Payments written by the operator, and what tenants see of them, through the function."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.integration.events import OPERATOR, Context, call, caller_context


@pytest.fixture
def prepaid() -> Context:
    """The owner of a fresh prepaid tenant."""
    body = {"name": "Buyer", "plan": "prepaid", "limits": {"requests_per_month": 0}}
    tenant = call("POST", "/api/tenants", body=body, caller=OPERATOR).json()
    return caller_context(tenant["id"], plan="prepaid")


def write(tenant: Context, *, status: int = 201, key: str = "", **fields: Any) -> dict[str, Any]:
    path = f"/api/tenants/{tenant['tenant_id']}/payments"
    headers = {"Idempotency-Key": key} if key else {}
    answer = call("POST", path, body=fields, headers=headers, caller=OPERATOR)
    assert answer.status == status, answer.content
    return dict(answer.json())


def invoice(tenant: Context) -> dict[str, Any]:
    return dict(call("GET", "/api/billing/invoice", caller=tenant).json())


def search(tenant: Context) -> int:
    body = {"namespace": "n", "vector": [1.0, 2.0]}
    return call("POST", "/api/vectordb/search", body=body, caller=tenant).status


def test_what_was_bought_can_be_used_and_no_more(prepaid: Context) -> None:
    assert search(prepaid) == 402
    made = write(prepaid, kind="topup", amount="1.00", requests=2, reference="bank-7")
    assert (made["amount"], made["requests"], made["by"]) == ("1.000000", 2, "operator")
    assert [search(prepaid) for _ in range(3)] == [200, 200, 402]
    shown = invoice(prepaid)
    kinds = {line["kind"]: (line["quantity"], line["amount"]) for line in shown["lines"]}
    assert kinds == {"package": (2, "1.000000"), "prepaid_use": (2, "0.000000")}
    assert (shown["total"], shown["paid"], shown["due"], shown["status"]) == (
        "1.000000",
        "1.000000",
        "0.000000",
        "open",
    )


def test_packages_have_the_plans_price(prepaid: Context) -> None:
    made = write(prepaid, kind="topup", packages=2)
    assert (made["amount"], made["requests"]) == ("100.000000", 20_000)


def test_a_repeated_payment_is_written_once(prepaid: Context) -> None:
    with ThreadPoolExecutor(4) as senders:
        tries = list(
            senders.map(
                lambda _: call(
                    "POST",
                    f"/api/tenants/{prepaid['tenant_id']}/payments",
                    body={"kind": "grant", "requests": 5},
                    headers={"Idempotency-Key": "gift-1"},
                    caller=OPERATOR,
                ),
                range(4),
            )
        )
    assert {answer.status for answer in tries} <= {201, 409}
    assert 201 in {answer.status for answer in tries}
    listed = call("GET", "/api/billing/payments", caller=prepaid).json()["items"]
    assert [(one["kind"], one["requests"]) for one in listed] == [("grant", 5)]
    assert [search(prepaid) for _ in range(6)] == [200] * 5 + [402]


def test_refunds_take_back_only_what_is_left(prepaid: Context) -> None:
    write(prepaid, kind="topup", amount="5", requests=10)
    assert [search(prepaid) for _ in range(4)] == [200] * 4
    refused = write(prepaid, status=409, kind="refund", amount="5", requests=7)
    assert "only 6 are left" in refused["detail"]
    write(prepaid, kind="refund", amount="3", requests=6)
    assert search(prepaid) == 402
    assert invoice(prepaid)["paid"] == "2.000000"


def test_racing_refunds_and_requests_never_take_back_what_is_used(prepaid: Context) -> None:
    write(prepaid, kind="topup", amount="1", requests=20)
    with ThreadPoolExecutor(8) as workers:
        searches = [workers.submit(search, prepaid) for _ in range(15)]
        path = f"/api/tenants/{prepaid['tenant_id']}/payments"
        body = {"kind": "refund", "amount": "0.25", "requests": 5}
        refunds = [workers.submit(call, "POST", path, body=body, caller=OPERATOR) for _ in range(3)]
        used = [done.result() for done in searches].count(200)
        back = [done.result().status for done in refunds].count(201) * 5
    left = 0
    while search(prepaid) == 200:
        left += 1
    assert used + back + left == 20


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": "topup"}, "needs requests"),
        ({"kind": "topup", "packages": 1, "amount": "3"}, "either them or those"),
        ({"kind": "topup", "requests": -1}, "requests"),
        ({"kind": "topup", "requests": 10**12}, "requests"),
        ({"kind": "credit"}, "needs an amount"),
        ({"kind": "payment", "amount": "1", "requests": 1}, "a grant gives requests"),
        ({"kind": "grant", "requests": 1, "amount": "1"}, "a topup sells"),
        ({"kind": "credit", "amount": "1", "month": "2026-05"}, "only a payment names a month"),
        ({"kind": "payment", "amount": "1", "month": "2026-13"}, "month"),
        ({"kind": "payment", "amount": 1.5}, "must be a text"),
        ({"kind": "payment", "amount": "-1"}, "no amount in USD"),
        ({"kind": "payment", "amount": "1e3"}, "no amount in USD"),
        ({"kind": "payment", "amount": "0.0000001"}, "no amount in USD"),
        ({"kind": "payment", "amount": "\u0661"}, "no amount in USD"),
        ({"kind": "gold", "amount": "1"}, "kind"),
        ({"kind": "credit", "amount": "1", "note": "a\u0000b"}, "control characters"),
        ({"kind": "credit", "amount": "1", "tenant_id": "ten-other"}, "tenant_id"),
    ],
)
def test_bad_payments_are_refused_and_not_written(prepaid: Context, fields: dict[str, Any], said: str) -> None:
    refused = write(prepaid, status=422, **fields)
    assert said in str(refused["errors"]) + refused["detail"]
    assert call("GET", "/api/billing/payments", caller=prepaid).json()["items"] == []


def test_requests_are_bought_on_prepaid_plans_only() -> None:
    tenant = call("POST", "/api/tenants", body={"name": "Pro", "plan": "pro"}, caller=OPERATOR).json()
    owner = caller_context(tenant["id"], plan="pro")
    assert "not bought in advance" in write(owner, status=422, kind="grant", requests=5)["detail"]
    refused = call("POST", "/api/billing/prepaid", body={"packages": 1}, caller=owner)
    assert refused.status == 422


def test_without_a_provider_checkout_says_how_to_pay(prepaid: Context) -> None:
    refused = call("POST", "/api/billing/prepaid", body={"packages": 1}, caller=prepaid)
    assert refused.status == 409
    assert "operator" in refused.json()["detail"]
    nobody = call("POST", "/api/billing/stripe-webhook", body="{}", headers={"Stripe-Signature": "t=1,v1=00"})
    assert nobody.status == 404


def test_only_the_operator_writes_payments_and_only_admins_buy(prepaid: Context) -> None:
    path = f"/api/tenants/{prepaid['tenant_id']}/payments"
    assert call("POST", path, body={"kind": "grant", "requests": 5}, caller=prepaid).status == 403
    assert call("GET", path, caller=prepaid).status == 403
    developer = caller_context(prepaid["tenant_id"], plan="prepaid", role="developer")
    assert call("POST", "/api/billing/prepaid", body={"packages": 1}, caller=developer).status == 403
    viewer = caller_context(prepaid["tenant_id"], plan="prepaid", role="viewer")
    assert call("GET", "/api/billing/invoice", caller=viewer).status == 200


def test_payments_come_in_pages_newest_first(prepaid: Context) -> None:
    for count in (1, 2, 3):
        write(prepaid, kind="grant", requests=count)
    path = f"/api/tenants/{prepaid['tenant_id']}/payments?limit=2"
    first = call("GET", path, caller=OPERATOR).json()
    second = call("GET", f"{path}&cursor={first['next_cursor']}", caller=OPERATOR).json()
    assert [one["requests"] for one in first["items"] + second["items"]] == [3, 2, 1]
    assert second["next_cursor"] is None
    assert call("GET", f"{path}&cursor=%00", caller=OPERATOR).status == 422


def test_the_page_escapes_what_people_wrote_and_the_pdf_can_be_read() -> None:
    name = "<script>alert(1)</script> 東京"
    tenant = call("POST", "/api/tenants", body={"name": name, "plan": "basic"}, caller=OPERATOR).json()
    owner = caller_context(tenant["id"], plan="basic")
    write(owner, kind="credit", amount="1", note="<b>Sorry</b> & ünd ™")
    page = call("GET", "/api/billing/invoice?format=html", caller=owner)
    text = page.content.decode()
    assert page.headers["content-type"].startswith("text/html")
    assert "<script>" not in text
    assert "<b>" not in text
    assert "&lt;b&gt;Sorry&lt;/b&gt; &amp; ünd ™" in text
    assert "東京" in text
    pdf = call("GET", f"/api/tenants/{tenant['id']}/invoice?format=pdf", caller=OPERATOR)
    assert pdf.headers["content-type"] == "application/pdf"
    assert pdf.content.startswith(b"%PDF-")
    assert pdf.content.rstrip().endswith(b"%%EOF")


def test_invoices_are_listed_by_month() -> None:
    tenant = call("POST", "/api/tenants", body={"name": "New", "plan": "basic"}, caller=OPERATOR).json()
    owner = caller_context(tenant["id"], plan="basic")
    listed = call("GET", "/api/billing/invoices", caller=owner).json()
    assert [one["status"] for one in listed["items"]] == ["open"]
    month = listed["items"][0]["month"]
    assert call("GET", f"/api/billing/invoice?month={month}", caller=owner).json()["number"].startswith(month)
    assert call("GET", "/api/billing/invoice?month=2020-01", caller=owner).status == 404
    assert call("GET", "/api/billing/invoice?month=1/../x", caller=owner).status == 422


def test_the_price_list_names_the_callers_plan(prepaid: Context) -> None:
    offers = {one["name"]: one for one in call("GET", "/api/billing/plans", caller=prepaid).json()["items"]}
    assert [name for name, one in offers.items() if one["mine"]] == ["prepaid"]
    assert offers["prepaid"]["package"] == {"requests": 10_000, "price": "50.000000"}
    assert offers["basic"]["price_per_month"] == "29.000000"
