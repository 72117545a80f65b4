"""Invoices as PDF, in a font of their own: it knows Latin, Greek and Cyrillic; other letters become ``?``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from smyth.http.money.invoice_html import days, short

if TYPE_CHECKING:
    from fpdf import FPDF
    from fpdf.fonts import TTFFont

_FONT = "Lato"
_MARGIN = 20
_LINE = 5.5
#: Millimetres, together the page's width: description, quantity, price, amount.
_COLUMNS = (94, 24, 26, 26)
_TO_FACTS = 82
_TO_LABEL = sum(_COLUMNS[:2])
_TO_AMOUNT = sum(_COLUMNS[:3])
#: How high the sums are: they stay together.
_SUMS = 40
_BLACK, _GREY, _RULE = 28, 110, 200


def to_pdf(view: Mapping[str, Any]) -> bytes:
    """Return the document of an invoice, as :func:`smyth.http.money.invoice_view.invoice_view` shows it."""
    pdf = _page(view["number"])
    # The same invoice is the same file.
    pdf.set_creation_date(datetime.fromisoformat(view["period"]["end"]))
    _issuer(pdf, view)
    _about(pdf, view)
    _lines(pdf, view)
    _sums(pdf, view)
    return bytes(pdf.output())


def _page(number: str) -> FPDF:
    import fontpkg_lato
    from fpdf import FPDF

    class Numbered(FPDF):
        """Tells on each page which invoice it belongs to."""

        def footer(self) -> None:
            self.set_y(-15)
            self.set_font(_FONT, size=8)
            self.set_text_color(_GREY)
            self.cell(0, 5, f"Invoice {number}")
            self.set_x(_MARGIN)
            self.cell(0, 5, f"Page {self.page_no()} of {{nb}}", align="R")

    pdf = Numbered(format="A4")
    for style, weight in (("", "Regular"), ("B", "Bold")):
        pdf.add_font(_FONT, style, fontpkg_lato.ROOT / "files" / f"Lato-{weight}.ttf")
    pdf.set_title(f"Invoice {number}")
    pdf.set_lang("en")
    pdf.set_margin(_MARGIN)
    pdf.set_auto_page_break(True, margin=22)
    pdf.add_page()
    return pdf


def _issuer(pdf: FPDF, view: Mapping[str, Any]) -> None:
    issuer, tax = view["issuer"], view["tax"]
    _write(pdf, issuer["name"], bold=True, size=11, align="R")
    tax_id = f"{tax['name']} ID {issuer['tax_id']}" if issuer["tax_id"] else ""
    for text in filter(None, [*issuer["address"], tax_id]):
        _write(pdf, text, size=9, grey=True, align="R", height=4.5)
    pdf.set_y(max(pdf.get_y() + 6, 50))


def _about(pdf: FPDF, view: Mapping[str, Any]) -> None:
    _write(pdf, "Invoice", bold=True, size=24, height=12)
    pdf.ln(3)
    top = pdf.get_y()
    _write(pdf, "Bill to", size=9, grey=True, width=_TO_FACTS - 4)
    _write(pdf, view["tenant_name"], bold=True, size=11, width=_TO_FACTS - 4)
    _write(pdf, view["tenant_id"], size=8, grey=True, width=_TO_FACTS - 4)
    below = pdf.get_y()
    pdf.set_y(top)
    facts = {"Number": view["number"], "Period": days(view["month"]), "Currency": "USD"}
    for name, value in facts.items():
        _fact(pdf, name, value)
    pdf.set_y(max(pdf.get_y(), below) + 4)
    if view["status"] == "open":
        _write(pdf, "The month is not over: this is where it stands.", grey=True)
    pdf.ln(4)


def _fact(pdf: FPDF, name: str, value: str) -> None:
    pdf.set_x(_MARGIN + _TO_FACTS)
    _cell(pdf, name, width=17, grey=True)
    _cell(pdf, value, width=0)
    pdf.ln(_LINE)


def _lines(pdf: FPDF, view: Mapping[str, Any]) -> None:
    from fpdf.fonts import FontFace

    _style(pdf)
    pdf.set_draw_color(_RULE)
    with pdf.table(
        col_widths=_COLUMNS,
        text_align=("LEFT", "RIGHT", "RIGHT", "RIGHT"),
        headings_style=FontFace(emphasis="BOLD", size_pt=9, color=_GREY),
        borders_layout="HORIZONTAL_LINES",
        line_height=_LINE,
        padding=(1.2, 0),
    ) as table:
        table.row(["Description", "Quantity", "Price", "Amount"])
        for line in view["lines"]:
            quantity = "" if line["quantity"] is None else f"{line['quantity']:,}"
            table.row([_known(pdf, line["description"]), quantity, short(line["unit_price"]), short(line["amount"])])
        if not view["lines"]:
            table.row(["Nothing was used and nothing was bought.", "", "", ""])
    pdf.ln(4)


def _sums(pdf: FPDF, view: Mapping[str, Any]) -> None:
    tax = view["tax"]
    sums = {
        "Subtotal": view["subtotal"],
        f"{tax['name']} {tax['percent']} %": tax["amount"],
        "Total": view["total"],
        "Paid": view["paid"],
    }
    if pdf.will_page_break(_SUMS):
        pdf.add_page()
    for name, amount in sums.items():
        _sum(pdf, name, short(amount))
    pdf.ln(1.5)
    pdf.set_draw_color(_BLACK)
    pdf.line(_MARGIN + _TO_LABEL, pdf.get_y(), pdf.w - _MARGIN, pdf.get_y())
    pdf.ln(1.5)
    _sum(pdf, "Due USD", short(view["due"]), bold=True, size=12)


def _sum(pdf: FPDF, name: str, amount: str, *, bold: bool = False, size: float = 10) -> None:
    pdf.set_x(_MARGIN + _TO_LABEL)
    _cell(pdf, name, width=_TO_AMOUNT - _TO_LABEL, bold=bold, size=size)
    _cell(pdf, amount, width=0, bold=bold, size=size, align="R")
    pdf.ln(_LINE + 0.5)


def _write(
    pdf: FPDF,
    text: str,
    *,
    width: float = 0,
    height: float = _LINE,
    bold: bool = False,
    size: float = 10,
    grey: bool = False,
    align: str = "L",
) -> None:
    """Write a paragraph and go to the line behind it."""
    _style(pdf, bold=bold, size=size, grey=grey)
    pdf.multi_cell(width, height, _known(pdf, text), align=align, padding=0, new_x="LMARGIN", new_y="NEXT")


def _cell(
    pdf: FPDF,
    text: str,
    *,
    width: float,
    bold: bool = False,
    size: float = 10,
    grey: bool = False,
    align: str = "L",
) -> None:
    """Write a piece of a line."""
    _style(pdf, bold=bold, size=size, grey=grey)
    pdf.cell(width, _LINE, _known(pdf, text), align=align)


def _style(pdf: FPDF, *, bold: bool = False, size: float = 10, grey: bool = False) -> None:
    pdf.set_font(_FONT, "B" if bold else "", size)
    pdf.set_text_color(_GREY if grey else _BLACK)


def _known(pdf: FPDF, text: str) -> str:
    """Return the text in letters that the font has."""
    letters = cast("TTFFont", pdf.fonts[_FONT.lower()]).cmap
    return "".join(letter if ord(letter) in letters else "?" for letter in text)
