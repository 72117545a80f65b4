"""Plans as data: the five of the price list, and how a stack or a tenant overrides them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Throttle(BaseModel):
    """API Gateway's usage plan of a tier: the outer fence, best effort by AWS's own word."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate: float = Field(gt=0, description="Requests a second, sustained.")
    burst: int = Field(gt=0, description="Requests at once.")
    quota_per_month: int | None = Field(default=None, gt=0, description="None: no quota.")


class Limits(BaseModel):
    """What a tenant may use; ``None`` means without limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    requests_per_month: int | None = Field(default=None, ge=0)
    agents: int | None = Field(default=None, ge=0)
    storage_bytes: int | None = Field(default=None, ge=0, description="Uploaded files together.")

    def overridden(self, overrides: Mapping[str, int | None]) -> Limits:
        """Return these limits with a tenant's own in their places."""
        return Limits.model_validate(self.model_dump() | dict(overrides))


class RunLimits(BaseModel):
    """What one run of an agent may use up; ``None`` means as the engine has it (:class:`smyth.engine.Limits`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    components: int | None = Field(default=None, gt=0, description="Component runs, those inside loops included.")
    nesting: int | None = Field(default=None, gt=0, le=32, description="Loops inside loops, agents inside agents.")
    output_bytes: int | None = Field(default=None, gt=0, description="All outputs of all components together.")
    seconds: float | None = Field(default=None, gt=0, le=900, description="Wall time.")
    expand_caller_data: bool | None = Field(
        default=None, description="false: placeholders in what callers send are never filled with agent variables."
    )

    def tightened(self, other: RunLimits) -> RunLimits:
        """Return the stricter of both, limit by limit."""
        ours, others = self.model_dump(exclude_none=True), other.model_dump(exclude_none=True)
        both = {name: min(ours[name], others[name]) for name in ours.keys() & others.keys()}
        return RunLimits(**(ours | others | both))


class Package(BaseModel):
    """What a prepaid tenant buys at once. Money in micro-USD."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    requests: int = Field(gt=0)
    price: int = Field(ge=0)


class Plan(BaseModel):
    """A tier. Money in micro-USD."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    price_per_month: int = Field(default=0, ge=0)
    price_per_request: int = Field(default=0, ge=0)
    #: What the tenant pays for models on top of the provider's cost; see :func:`smyth.platform.money.marked_up`.
    model_markup_percent: int = Field(default=0, ge=0, le=1_000)
    #: When set, requests beyond the limit are admitted and cost this, instead of being refused.
    overage_per_request: int | None = Field(default=None, ge=0)
    #: What prepaid requests are sold by.
    package: Package | None = None
    #: So many requests a minute at most, whatever API Gateway lets through; None: no such limit.
    requests_per_minute: int | None = Field(default=None, gt=0)
    #: A new tenant pays no monthly price for so many days.
    trial_days: int = Field(default=0, ge=0, le=366)
    limits: Limits = Limits()
    #: What one run may use up, where that is less than the stack grants.
    run_limits: RunLimits = RunLimits()
    #: What the caller is told past the limit: 429 (wait for next month) or 402 (buy more).
    over_limit: Literal[429, 402] = 429
    #: Prepaid requests are bought, not granted anew each month.
    prepaid: bool = False
    throttle: Throttle


_USD = 1_000_000
_GIB = 1024**3

PLANS: dict[str, Plan] = {
    plan.name: plan
    for plan in (
        Plan(
            name="basic",
            price_per_month=29 * _USD,
            limits=Limits(requests_per_month=1_000, agents=5, storage_bytes=_GIB),
            throttle=Throttle(rate=5, burst=10, quota_per_month=1_000),
        ),
        Plan(
            name="pro",
            price_per_month=99 * _USD,
            limits=Limits(requests_per_month=10_000, agents=25, storage_bytes=25 * _GIB),
            throttle=Throttle(rate=20, burst=50, quota_per_month=10_000),
        ),
        Plan(name="enterprise", price_per_month=299 * _USD, throttle=Throttle(rate=200, burst=400)),
        Plan(
            name="payg",
            price_per_request=_USD // 100,
            limits=Limits(agents=25, storage_bytes=25 * _GIB),
            throttle=Throttle(rate=20, burst=50),
        ),
        Plan(
            name="prepaid",
            price_per_request=_USD // 200,
            limits=Limits(agents=25, storage_bytes=25 * _GIB),
            package=Package(requests=10_000, price=50 * _USD),
            over_limit=402,
            prepaid=True,
            throttle=Throttle(rate=20, burst=50),
        ),
    )
}


def load_plans(overrides: Mapping[str, Any]) -> dict[str, Plan]:
    """Return the price list as a stack has it.

    Args:
        overrides: Plan name -> members that differ; a name of its own makes a plan of its own. ``limits``,
            ``run_limits`` and ``throttle`` may be partial too.

    Raises:
        pydantic.ValidationError: An override is no valid plan.
    """
    plans = dict(PLANS)
    for name, override in overrides.items():
        base = plans[name].model_dump() if name in plans else {}
        parts = {part: base.get(part, {}) | override.get(part, {}) for part in ("limits", "run_limits", "throttle")}
        plans[name] = Plan.model_validate(base | override | parts | {"name": name})
    return plans
