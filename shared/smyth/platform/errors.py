"""What use cases of the product can refuse, each with what the caller needs to go on."""

from __future__ import annotations

from typing import Any


class PlatformError(Exception):
    """Base of all refusals; the message says what happened and what to do."""

    #: HTTP's word for it, and a stable code for programs.
    status = 500
    code = "internal"

    def __init__(self, detail: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after_s = retry_after_s


class NotFound(PlatformError):
    """There is no such thing, or it is another tenant's."""

    status = 404
    code = "not_found"


class Forbidden(PlatformError):
    """The caller is known but may not do this."""

    status = 403
    code = "forbidden"


class Conflict(PlatformError):
    """The thing is in a state that does not allow this now."""

    status = 409
    code = "conflict"


class LimitReached(PlatformError):
    """The plan does not include more of this."""

    status = 403
    code = "limit_reached"


class QuotaExceeded(PlatformError):
    """The period's requests are used up; they come again with the next period."""

    status = 429
    code = "quota_exceeded"


class PaymentRequired(PlatformError):
    """The prepaid requests are used up; more must be bought."""

    status = 402
    code = "payment_required"


class BudgetExceeded(PlatformError):
    """A budget has too little left for the request."""

    status = 402
    code = "budget_exceeded"


class RateLimited(PlatformError):
    """Too many requests in this minute."""

    status = 429
    code = "rate_limited"


class TooLarge(PlatformError):
    """The thing is larger than allowed."""

    status = 413
    code = "too_large"


class NotAsDeclared(PlatformError):
    """Content is of another type than was said."""

    status = 415
    code = "not_as_declared"


class Busy(PlatformError):
    """The store could not take the request now; nothing was written."""

    status = 503
    code = "busy"


class Invalid(PlatformError):
    """The request is well-formed but cannot be done; ``errors`` name each fault."""

    status = 422
    code = "invalid"

    def __init__(self, detail: str, errors: list[dict[str, Any]] | None = None) -> None:
        super().__init__(detail)
        self.errors = errors or []
