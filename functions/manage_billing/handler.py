"""Bills: invoices, payments, the price list, budgets and alerts."""

from __future__ import annotations

from smyth.http.app import create_app, lambda_handler
from smyth.http.money import alerts, budgets, invoices, payments, rebuild, stripe_webhook

app = create_app("billing")
for part in (invoices, payments, stripe_webhook, budgets, alerts, rebuild):
    app.include_router(part.router)

handler = lambda_handler(app)
