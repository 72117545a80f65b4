"""Which tenant a request is about, where the operator may name one."""

from __future__ import annotations

from smyth.http.services import services
from smyth.platform.access import Caller
from smyth.platform.errors import Forbidden, Invalid


def meant_tenant(caller: Caller, named: str | None) -> str:
    """Return the caller's own tenant, or for the operator the one that is named.

    Raises:
        Forbidden: A tenant's caller named another one.
        Invalid: The operator named none.
        NotFound: There is none of this name.
    """
    if caller.tenant_id:
        if named not in (None, caller.tenant_id):
            raise Forbidden("Only the operator names a tenant. Leave tenant_id out.")
        return caller.tenant_id
    if not named:
        raise Invalid("The operator belongs to no tenant. Name the tenant_id that you mean.")
    return services().tenants.get(named).id
