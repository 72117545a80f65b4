"""Invoices as PDF, in the fonts that every reader has: those know Western letters only, others become ``?``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from smyth.http.money.invoice_html import short

if TYPE_CHECKING:
    from fpdf import FPDF

_FONT = "Helvetica"
#: Millimetres: description, quantity, price, amount.
_COLUMNS = (98, 24, 30, 30)


def to_pdf(view: Mapping[str, Any]) -> bytes:
    """Return the document of an invoice, as :func:`smyth.http.money.invoice_view.invoice_view` shows it."""
    from fpdf import FPDF

    pdf = FPDF(format="A4")
    # The same invoice is the same file.
    pdf.set_creation_date(datetime.fromisoformat(view["period"]["end"]))
    pdf.set_title(f"Invoice {view['number']}")
    pdf.set_auto_page_break(True, margin=18)
    pdf.add_page()
    _head(pdf, view)
    _lines(pdf, view)
    _sums(pdf, view)
    return bytes(pdf.output())


def _head(pdf: FPDF, view: Mapping[str, Any]) -> None:
    issuer, tax = view["issuer"], view["tax"]
    about = [issuer["name"], *issuer["address"], f"{tax['name']} id {issuer['tax_id']}" if issuer["tax_id"] else ""]
    pdf.set_font(_FONT, size=10)
    for text in filter(None, about):
        _row(pdf, text, align="R")
    pdf.set_font(_FONT, "B", 18)
    _row(pdf, "Invoice", height=10)
    pdf.set_font(_FONT, size=10)
    _row(pdf, view["number"])
    _row(pdf, f"{view['period']['start'][:10]} to {view['period']['end'][:10]}")
    if view["status"] == "open":
        _row(pdf, "The month is not over: this is where it stands.")
    pdf.ln(4)
    _row(pdf, f"Bill to {view['tenant_name']} ({view['tenant_id']})")
    pdf.ln(4)


def _lines(pdf: FPDF, view: Mapping[str, Any]) -> None:
    with pdf.table(
        col_widths=_COLUMNS,
        text_align=("LEFT", "RIGHT", "RIGHT", "RIGHT"),
        borders_layout="HORIZONTAL_LINES",
        line_height=6,
    ) as table:
        table.row(["Description", "Quantity", "Price", "USD"])
        for line in view["lines"]:
            quantity = "" if line["quantity"] is None else f"{line['quantity']:,}"
            table.row([_western(line["description"]), quantity, short(line["unit_price"]), short(line["amount"])])
    pdf.ln(3)


def _sums(pdf: FPDF, view: Mapping[str, Any]) -> None:
    tax = view["tax"]
    _row(pdf, f"Subtotal   {short(view['subtotal'])}", align="R")
    _row(pdf, f"{tax['name']} {tax['percent']} %   {short(tax['amount'])}", align="R")
    _row(pdf, f"Total   {short(view['total'])}", align="R")
    _row(pdf, f"Paid   {short(view['paid'])}", align="R")
    pdf.set_font(_FONT, "B", 12)
    _row(pdf, f"Due USD   {short(view['due'])}", align="R", height=8)


def _row(pdf: FPDF, text: str, *, align: str = "L", height: float = 5.5) -> None:
    pdf.multi_cell(0, height, _western(text), align=align, new_x="LMARGIN", new_y="NEXT")


def _western(text: str) -> str:
    """Return the text in the letters of the built-in fonts."""
    return text.encode("latin-1", "replace").decode("latin-1")
