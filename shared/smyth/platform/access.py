"""Who may do what: roles, and the limits of a key to agents and routes.

The authorizer says who the caller is; this says what the caller may do. No
pydantic here: the authorizer imports it at every cold start.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from smyth.platform.errors import Forbidden
from smyth.platform.routes import ROUTES, Route

OPERATOR = "operator"
#: Somebody who signed in but acts for no tenant: member of none, or of several of which none was named.
PERSON = "person"
#: From least to most; each may do what those before it may.
ROLES = ("viewer", "developer", "admin", "owner")

#: Here a key that the operator acts as a tenant with could make something that outlives it.
_GIVE_ACCESS = ("/api/keys", "/api/members", "/api/invitations")

#: What a key that is limited to agents may call besides routes that name an agent;
#: their functions look at single agents themselves.
_OPEN_TO_AGENT_KEYS = {
    "GET /api/agents",
    "POST /api/skills/add",
    "GET /api/components",
    "GET /api/connectors",
    "POST /v1/chat/completions",
    "POST /v1/responses",
    "GET /v1/models",
    "GET /v1/models/{}",
}

#: Everybody may read these; who changes them decides about money.
_CHANGED_BY_ADMINS = ("/api/budgets", "/api/alerts", "/api/billing")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request, as the authorizer found it."""

    #: Empty for the operator, who belongs to no tenant.
    tenant_id: str
    role: str
    key_id: str
    plan: str = ""
    #: The tenant's limits where they differ from the plan's.
    limits: tuple[tuple[str, int | None], ...] = ()
    #: ``active``, ``suspended`` or ``erasing``.
    status: str = "active"
    #: Empty: not limited.
    agents: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    usage_identifier: str = ""
    #: Where the tenant's months begin.
    time_zone: str = "UTC"
    #: The tenant's own and the key's own limit of requests a minute; None: only the plan's holds.
    requests_per_minute: int | None = None
    key_requests_per_minute: int | None = None
    #: Whether the tenant has budgets; admission reads them only then.
    budgeted: bool = False
    #: The person, where one signed in: issuer, ``#``, and the issuer's word for them; empty for keys.
    subject: str = ""
    #: The person's address, if the issuer has verified it.
    email: str = ""
    #: Whether it is a machine that signed in by itself.
    machine: bool = False
    #: Of which tenants the person is a member, where none was chosen.
    tenants: tuple[str, ...] = ()
    #: The operator's key id, while the operator acts as the tenant.
    acting_for: str = ""
    source_ip: str = ""
    #: Where this service is found by whoever called, without a slash at its end; empty where that is unknown.
    public_url: str = ""

    def to_context(self) -> dict[str, str]:
        """Return what the authorizer puts into the request context, which holds text only."""
        return {
            "tenant_id": self.tenant_id,
            "role": self.role,
            "key_id": self.key_id,
            "plan": self.plan,
            "limits": json.dumps(dict(self.limits)),
            "status": self.status,
            "agents": json.dumps(self.agents),
            "routes": json.dumps(self.routes),
            "time_zone": self.time_zone,
            "requests_per_minute": _text(self.requests_per_minute),
            "key_requests_per_minute": _text(self.key_requests_per_minute),
            "budgeted": "1" if self.budgeted else "",
            "subject": self.subject,
            "email": self.email,
            "machine": "1" if self.machine else "",
            "tenants": json.dumps(self.tenants),
            "acting_for": self.acting_for,
        }

    @classmethod
    def from_context(cls, context: Mapping[str, str], source_ip: str = "", public_url: str = "") -> Caller | None:
        """Return the caller that :meth:`to_context` wrote; None where there is none."""
        role, tenant_id = context.get("role", ""), context.get("tenant_id", "")
        if not role or (role not in (OPERATOR, PERSON) and not tenant_id):
            return None
        return cls(
            tenant_id=tenant_id,
            role=role,
            key_id=context.get("key_id", ""),
            plan=context.get("plan", ""),
            limits=tuple(json.loads(context.get("limits") or "{}").items()),
            status=context.get("status") or "active",
            agents=tuple(json.loads(context.get("agents") or "[]")),
            routes=tuple(json.loads(context.get("routes") or "[]")),
            time_zone=context.get("time_zone") or "UTC",
            requests_per_minute=_number(context.get("requests_per_minute")),
            key_requests_per_minute=_number(context.get("key_requests_per_minute")),
            budgeted=context.get("budgeted") == "1",
            subject=context.get("subject", ""),
            email=context.get("email", ""),
            machine=context.get("machine") == "1",
            tenants=tuple(json.loads(context.get("tenants") or "[]")),
            acting_for=context.get("acting_for", ""),
            source_ip=source_ip,
            public_url=public_url,
        )

    def check_agent(self, agent_id: str) -> None:
        """Refuse when the key is limited to other agents.

        Raises:
            Forbidden: The key may not use this agent.
        """
        if self.agents and agent_id not in self.agents:
            raise Forbidden(
                f"This key may not use the agent {agent_id}. Use a key whose agents include it or that is not limited."
            )


def _text(number: int | None) -> str:
    return "" if number is None else str(number)


def _number(text: str | None) -> int | None:
    return int(text) if text else None


def presented_key(headers: Mapping[str, str]) -> str:
    """Return the key that a request bears, as bearer token or else as ``x-api-key``; empty without one."""
    lower = {name.lower(): value for name, value in headers.items()}
    scheme, _, token = lower.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return lower.get("x-api-key", "").strip()


def looks_like_token(credential: str) -> bool:
    """Tell whether a credential is meant as a JWT: three parts, the first one base64 of a JSON object."""
    return credential.startswith("eyJ") and credential.count(".") == 2


def chosen_tenant(headers: Mapping[str, str]) -> str:
    """Return the tenant that a person means, who may be a member of several; empty where none is named."""
    return next((value.strip() for name, value in headers.items() if name.lower() == "x-tenant-id"), "")


def route_name(method: str, path: str) -> str:
    """Return a route's name with its parameters blanked: ``GET /api/agents/{}``."""
    return f"{method.upper()} {re.sub(r'{[^/}]*}', '{}', path)}"


@cache
def known_routes() -> dict[str, Route]:
    """Return the route table by name."""
    return {route_name(route.method, route.path): route for route in ROUTES}


def authorize(caller: Caller, method: str, path: str, agent_id: str | None = None) -> None:
    """Refuse a caller who may not call the route ``method path``; the one place for roles and scopes.

    Raises:
        Forbidden: The tenant is suspended, the role is too low, or the key is limited to other agents or routes.
    """
    name = route_name(method, path)
    if caller.acting_for and method != "GET" and path.startswith(_GIVE_ACCESS):
        raise Forbidden("The operator acts as this tenant for a while and gives nobody access to it. Use another key.")
    route = known_routes().get(name)
    if caller.role == OPERATOR or (caller.subject and route is not None and route.auth == "person"):
        return
    if caller.role == PERSON:
        raise Forbidden(_no_tenant(caller))
    if caller.status == "erasing":
        raise Forbidden(f"The tenant {caller.tenant_id} is being erased. Its keys open nothing any more.")
    if caller.status != "active":
        raise Forbidden(
            f"The tenant {caller.tenant_id} is {caller.status}. Ask the operator of this service to resume it."
        )
    if caller.routes and name not in {route_name(*entry.split(" ", 1)) for entry in caller.routes}:
        raise Forbidden(f"This key is limited to other routes than {method} {path}. Use a key that includes it.")
    needed = _role_for(name)
    if caller.role not in ROLES or ROLES.index(caller.role) < ROLES.index(needed):
        raise Forbidden(f'{method} {path} needs the role "{needed}"; this key has "{caller.role}". Use another key.')
    if agent_id is not None:
        caller.check_agent(agent_id)
    elif caller.agents and name not in _OPEN_TO_AGENT_KEYS:
        raise Forbidden(
            f"This key is limited to single agents, and {method} {path} names none. Use a key without limit."
        )


def _no_tenant(caller: Caller) -> str:
    if caller.tenants:
        known = ", ".join(caller.tenants)
        return f"You are a member of several tenants. Name the one you mean in the header x-tenant-id: {known}."
    return "You are no member of this tenant, or of none yet. Ask an admin for an invitation and accept it."


def _role_for(name: str) -> str:
    """Viewers read, developers run and edit; admins and owners manage keys and members, and read the audit."""
    if name.split(" ", 1)[1].startswith(("/api/keys", "/api/members", "/api/invitations", "/api/audit")):
        return "admin"
    route = known_routes().get(name)
    if name.startswith("GET ") and not (route and route.billable):
        return "viewer"
    return "admin" if name.split(" ", 1)[1].startswith(_CHANGED_BY_ADMINS) else "developer"
