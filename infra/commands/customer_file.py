"""Writes the file of a new customer, with a word on every setting that operators are likely to want."""

from __future__ import annotations

from pathlib import Path

from infra.customer import CustomerError, load
from infra.paths import CUSTOMERS

_FILE = """\
# yaml-language-server: $schema=schema.json
# The stack of customer {name}. `smyth stack diff {name}` tells what a change of this file would change.
name: {name}
{account}
region: {region}
# arm64 costs a fifth less than x86_64.
architecture: {architecture}

# Days that logs are kept.
log_retention_days: {log_retention_days}

data:
  # Table and bucket survive the deletion of the stack, and the table refuses to be deleted.
  keep: true
  # The table can be set back to any second of the last 35 days.
  point_in_time_recovery: true

# The limit of the whole API, over all tenants.
throttle: {{rate: 500, burst: 1000}}

# A name of the customer's own; its certificate lies in AWS Certificate Manager, in the stack's region.
{domain}

# Alarms, a dashboard and a budget of the account.
{alarms}

# Functions that ask models start in a fraction of the time; about 4 dollars a month and GB of memory, used or not.
snap_start: false

# Changes to the price list by the plan's name (shared/smyth/platform/plans.py), such as
#   plans: {{basic: {{limits: {{requests_per_month: 2000}}}}}}
plans: {{}}

# On every resource, for the bill.
tags:
  project: smyth-serverless
  customer: {name}
"""


def write(
    name: str,
    *,
    region: str,
    account: str | None,
    architecture: str,
    log_retention_days: int,
    domain: str | None = None,
    certificate_arn: str | None = None,
    email: str | None = None,
    folder: Path = CUSTOMERS,
) -> Path:
    """Write ``<name>.yaml`` and return its path.

    Raises:
        CustomerError: The file is there already, or a setting is wrong; nothing is written then.
    """
    path = folder / f"{name}.yaml"
    if path.exists():
        raise CustomerError(f"{path} is there already. Change it, or choose another name.")
    if bool(domain) != bool(certificate_arn):
        raise CustomerError("A domain needs its certificate: give --domain and --certificate-arn together.")
    text = _FILE.format(
        name=name,
        region=region,
        architecture=architecture,
        log_retention_days=log_retention_days,
        account=f'account: "{account}"'
        if account
        else "# Unless said, the account of whoever deploys.\n# account: ...",
        domain=f"domain: {{name: {domain}, certificate_arn: '{certificate_arn}'}}"
        if domain
        else "# domain: {name: agents.example.com, certificate_arn: ...}",
        alarms=f"alarms: {{email: {email}}}" if email else "# alarms: {email: you@example.com, budget_usd: 100}",
    )
    path.write_text(text, "utf-8")
    try:
        load(name, folder)
    except CustomerError:
        path.unlink()
        raise
    return path
