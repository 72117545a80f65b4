"""Invoices as they are shown: what the JSON answer holds, and the page and the PDF are drawn from."""

from __future__ import annotations

from typing import Any

from smyth.platform.invoice_lines import Line
from smyth.platform.invoices import Account
from smyth.platform.money import usd
from smyth.platform.times import rfc3339


def summary_view(account: Account) -> dict[str, Any]:
    """Return what an invoice comes to."""
    invoice = account.invoice
    return {
        "number": invoice.number,
        "month": invoice.month,
        "status": invoice.status,
        "currency": "USD",
        "total": usd(invoice.total),
        "paid": usd(account.paid),
        "due": usd(account.due),
    }


def invoice_view(account: Account) -> dict[str, Any]:
    """Return a whole invoice."""
    invoice, issuer = account.invoice, account.invoice.issuer
    return summary_view(account) | {
        "tenant_id": invoice.tenant_id,
        "tenant_name": invoice.tenant_name,
        "period": {"start": rfc3339(invoice.start), "end": rfc3339(invoice.end)},
        "issuer": {"name": issuer.name, "address": issuer.address, "tax_id": issuer.tax_id},
        "lines": [_line(line) for line in invoice.lines],
        "subtotal": usd(invoice.subtotal),
        "tax": {"name": issuer.tax_name, "percent": _percent(issuer.tax_rate), "amount": usd(invoice.tax)},
    }


def _line(line: Line) -> dict[str, Any]:
    return {
        "kind": line.kind,
        "description": line.description,
        "quantity": line.quantity,
        "unit_price": None if line.unit_price is None else usd(line.unit_price),
        "amount": usd(line.amount),
    }


def _percent(rate: int) -> str:
    """Return hundredths of a percent as people write them: ``19``, ``7.7``."""
    return f"{rate // 100}.{rate % 100:02d}".rstrip("0").rstrip(".") if rate % 100 else str(rate // 100)
