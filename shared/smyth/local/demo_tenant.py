"""The tenant that a laptop cloud is born with, made through the HTTP API like any other."""

from __future__ import annotations

import httpx

from smyth.local.folder import DataFolder, LocalCloudError

#: Without limits, so that trying things out never ends in 429.
_PLAN = "enterprise"


async def demo_tenant(folder: DataFolder, *, url: str, operator_key: str) -> tuple[str, str]:
    """The demo tenant's id and key; made on first start, remembered afterwards.

    Raises:
        LocalCloudError: The API did not make it.
    """
    known = folder.read_settings()
    if "tenant_key" in known:
        return known["tenant_id"], known["tenant_key"]
    async with httpx.AsyncClient(
        base_url=url, headers={"authorization": f"Bearer {operator_key}"}, timeout=60, trust_env=False
    ) as http:
        tenant_id = await _create(http, "/api/tenants", {"name": "demo", "plan": _PLAN}, "id")
        key = {"name": "demo", "role": "owner", "tenant_id": tenant_id}
        tenant_key = await _create(http, "/api/keys", key, "key")
    folder.remember(tenant_id=tenant_id, tenant_key=tenant_key)
    return tenant_id, tenant_key


async def _create(http: httpx.AsyncClient, path: str, body: dict[str, str], wanted: str) -> str:
    answer = await http.post(path, json=body)
    if answer.status_code != 201:
        raise LocalCloudError(f"POST {path} answered {answer.status_code}: {answer.text[:500]}")
    return str(answer.json()[wanted])
