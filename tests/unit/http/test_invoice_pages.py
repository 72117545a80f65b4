"""Invoices for people: as a page and as PDF."""

from __future__ import annotations

import re
from typing import Any

import pytest

from smyth.http.money.invoice_html import days, to_html
from smyth.http.money.invoice_pdf import to_pdf


def view(*, name: str = "Harbour", lines: int = 1) -> dict[str, Any]:
    line = {"kind": "plan", "description": "Plan pro", "quantity": 1, "unit_price": "99.000000", "amount": "99.000000"}
    return {
        "number": "2026-05-one",
        "month": "2026-05",
        "status": "final",
        "tenant_id": "ten-one",
        "tenant_name": name,
        # May in Berlin.
        "period": {"start": "2026-04-30T22:00:00.000Z", "end": "2026-05-31T22:00:00.000Z"},
        "issuer": {"name": "Łódź Żeglarz", "address": ["ul. Morska 1"], "tax_id": "PL1"},
        "lines": [line] * lines,
        "subtotal": "99.000000",
        "tax": {"name": "VAT", "percent": "19", "amount": "18.810000"},
        "total": "117.810000",
        "paid": "0.000000",
        "due": "117.810000",
    }


def letters(pdf: bytes) -> set[str]:
    """The letters that the fonts of a document are embedded for."""
    maps = re.findall(rb"beginbfchar(.*?)endbfchar", pdf, re.DOTALL)
    assert maps
    return {chr(int(code, 16)) for text in maps for code in re.findall(rb"<[0-9A-F]{4}> <([0-9A-F]{4})>", text)}


@pytest.mark.parametrize("name", ["Zażółć", "Ωμέγα", "Привет", "Nguyễn", "İşığ"])
def test_the_pdf_has_letters_beyond_western_ones(name: str) -> None:
    assert set(name) | {"Ł", "ź"} <= letters(to_pdf(view(name=name)))


def test_a_letter_that_the_font_lacks_is_told_by_a_question_mark() -> None:
    assert "?" in letters(to_pdf(view(name="東京")))
    assert "?" not in letters(to_pdf(view()))


def test_the_same_invoice_is_the_same_file() -> None:
    assert to_pdf(view(name="Łódź")) == to_pdf(view(name="Łódź"))


def test_an_invoice_of_many_lines_goes_over_several_pages() -> None:
    assert [to_pdf(view(lines=lines)).count(b"/Type /Page\n") for lines in (0, 1, 60)] == [1, 1, 3]


def test_the_month_is_told_by_the_days_of_the_tenants_own_zone() -> None:
    assert "2026-05-01 to 2026-05-31" in to_html(view())
    assert days("2028-02") == "2028-02-01 to 2028-02-29"
