"""What callers are told when a plan lets no more requests in."""

from __future__ import annotations

from datetime import datetime

from smyth.platform.errors import PaymentRequired, PlatformError, QuotaExceeded, RateLimited
from smyth.platform.periods import month_of, next_minute, seconds_until
from smyth.platform.plans import Plan
from smyth.platform.times import rfc3339

_WHOSE = {"tenant": "your account", "key": "this key", "ip": "your address"}


def no_request_left(plan: Plan, granted: int | None, now: datetime, time_zone: str) -> PlatformError:
    """Return the refusal of a request that the meter has no room for; 402 where more can be bought."""
    if plan.prepaid:
        return PaymentRequired("All prepaid requests are used. Buy more to go on.")
    end = month_of(now, time_zone)[1]
    if plan.over_limit == PaymentRequired.status:
        return PaymentRequired(f"All {granted} requests of this month are used. Buy more to go on.")
    return QuotaExceeded(
        f"All {granted} requests of this month are used. They come again at {rfc3339(end)}; a larger plan has more.",
        retry_after_s=seconds_until(end, now),
    )


def too_many(what: str, most: int, now: datetime) -> RateLimited:
    """Return the refusal of a request that came too soon after others."""
    whose = _WHOSE[what.partition(":")[0]]
    return RateLimited(
        f"{whose.capitalize()} may send {most} requests a minute. Wait for the next minute.",
        retry_after_s=seconds_until(next_minute(now), now),
    )
