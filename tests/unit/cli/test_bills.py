from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Api, Smyth

INVOICE = {
    "number": "2026-05-01jd",
    "tenant_name": "Harbour",
    "status": "final",
    "currency": "USD",
    "lines": [
        {"kind": "plan", "description": "Plan pro", "quantity": 1, "unit_price": "99.000000", "amount": "99.000000"},
        {"kind": "credit", "description": "Credit", "quantity": None, "unit_price": None, "amount": "-5.000000"},
    ],
    "subtotal": "94.000000",
    "tax": {"name": "VAT", "percent": "19", "amount": "17.860000"},
    "total": "111.860000",
    "paid": "0.000000",
    "due": "111.860000",
}
PAYMENT = {
    "id": "pay-1",
    "kind": "topup",
    "amount": "50.000000",
    "requests": 10_000,
    "month": "2026-05",
    "at": "2026-05-02T00:00:00.000Z",
    "by": "operator",
    "reference": "bank-7",
    "note": "",
}


def test_an_invoice_is_told_line_by_line(smyth: Smyth, api: Api) -> None:
    api.answers["GET /api/billing/invoice"] = (200, INVOICE)
    told = smyth("invoice", "2026-05", "--url", api.url, "--key", "k")
    assert api.asked[0][1] == "/api/billing/invoice?month=2026-05"
    assert "Plan pro" in told.out
    assert "total 111.860000, paid 0.000000, due 111.860000" in told.out
    assert smyth("invoice", "--json", "--url", api.url, "--key", "k").json() == INVOICE


def test_the_operator_names_a_tenant_and_writes_a_pdf(smyth: Smyth, api: Api, tmp_path: Path) -> None:
    api.answers["GET /api/tenants/ten-1/invoice"] = (200, b"%PDF-1.3")
    ran = smyth("invoice", "--tenant", "ten-1", "--to", tmp_path / "may.pdf", "--url", api.url, "--key", "k")
    assert ran.code == 0
    assert (tmp_path / "may.pdf").read_bytes() == b"%PDF-1.3"
    assert api.asked[0][1] == "/api/tenants/ten-1/invoice?format=pdf"
    assert api.headers[0]["accept"] == "application/pdf"


@pytest.mark.parametrize("to", ["may.docx", "may"])
def test_other_files_than_pages_and_pdfs_are_refused(smyth: Smyth, api: Api, to: str) -> None:
    ran = smyth("invoice", "--to", to, "--url", api.url, "--key", "k")
    assert ran.code == 2
    assert ".html or .pdf" in ran.err
    assert api.asked == []


def test_payments_are_listed(smyth: Smyth, api: Api) -> None:
    api.answers["GET /api/billing/payments"] = (200, {"items": [PAYMENT], "next_cursor": None})
    assert "bank-7" in smyth("payments", "--url", api.url, "--key", "k").out
    assert smyth("payments", "--json", "--url", api.url, "--key", "k").json() == {"items": [PAYMENT]}


def test_buying_tells_where_to_pay(smyth: Smyth, api: Api) -> None:
    page = {"id": "cs_1", "url": "https://checkout.example/1", "requests": 20_000, "price": "100.000000"}
    api.answers["POST /api/billing/prepaid"] = (201, page)
    ran = smyth("payments", "buy", "--packages", "2", "--url", api.url, "--key", "k")
    assert ran.out == "20000 requests for 100.000000 USD: https://checkout.example/1\n"
    assert json.loads(api.asked[0][3]) == {"packages": 2}


def test_the_operator_writes_a_payment_down(smyth: Smyth, api: Api) -> None:
    api.answers["POST /api/tenants/ten-1/payments"] = (201, PAYMENT)
    arguments = ["add", "topup", "--tenant", "ten-1", "--packages", "1", "--reference", "bank-7", "--once", "bank-7"]
    ran = smyth("payments", *arguments, "--url", api.url, "--key", "k")
    assert ran.out == "wrote pay-1: topup of 50.000000 USD, 10000 requests\n"
    assert json.loads(api.asked[0][3]) == {"kind": "topup", "packages": 1, "reference": "bank-7"}
    assert api.headers[0]["idempotency-key"] == "bank-7"


@pytest.mark.parametrize("wrong", [["add", "topup"], ["add", "gold", "--tenant", "t"], ["sell"], ["list", "topup"]])
def test_wrong_words_are_told_the_right_ones(smyth: Smyth, api: Api, wrong: list[str]) -> None:
    ran = smyth("payments", *wrong, "--url", api.url, "--key", "k")
    assert ran.code == 2
    assert "smyth payments add KIND" in ran.err
    assert api.asked == []
