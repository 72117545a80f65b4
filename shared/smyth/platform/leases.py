"""How long a request may be open before it counts as abandoned."""

from __future__ import annotations

from datetime import timedelta

from smyth.platform.access import known_routes, route_name
from smyth.platform.routes import FUNCTIONS

_TIME_LIMITS = {function.name: function.timeout_s for function in FUNCTIONS}
#: What a lease is longer than the function's time limit, so that nobody at work is swept.
_LEASE_MARGIN = timedelta(seconds=30)
#: Of what a trigger starts, which comes by no route.
TRIGGER_LEASE = timedelta(seconds=_TIME_LIMITS["run_trigger"]) + _LEASE_MARGIN


def lease_of(route: str) -> timedelta:
    """Return how long a request on ``route`` may be open."""
    method, _, path = route.partition(" ")
    known = known_routes()[route_name(method, path)]
    return timedelta(seconds=_TIME_LIMITS[known.function]) + _LEASE_MARGIN
