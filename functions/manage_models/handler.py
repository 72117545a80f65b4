"""Models: those of the catalogue, and the tenant's own."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query

from smyth.connectors.models.entry import ModelEntry
from smyth.http.answers.models import Model
from smyth.http.answers.page import Page
from smyth.http.app import create_app, lambda_handler
from smyth.http.caller import TenantCaller
from smyth.http.paging import Cursor, Limit, page, read_cursor
from smyth.http.services import services
from smyth.platform.model_records import ModelFields, TenantModel
from smyth.platform.times import rfc3339

app = create_app("models")


@app.get("/api/models", response_model=Page[Model], response_model_exclude_unset=True)
def listing(
    caller: TenantCaller,
    q: Annotated[str, Query(max_length=200, description="Text in name or provider.")] = "",
    limit: Limit = 20,
    cursor: Cursor = "",
) -> dict[str, Any]:
    after = read_cursor(cursor, lambda text: 0 < len(text) <= 200)
    found, place = services().tenant_models.page(caller.tenant_id, q=q, limit=limit, after=after)
    return page([_view(name, model) for name, model in found], place)


@app.get("/api/models/{name}", response_model=Model, response_model_exclude_unset=True)
def get(caller: TenantCaller, name: str) -> dict[str, Any]:
    return _view(name, services().tenant_models.get(caller.tenant_id, name))


@app.put("/api/models/{name}", response_model=Model, response_model_exclude_unset=True)
async def put(caller: TenantCaller, name: str, fields: ModelFields) -> dict[str, Any]:
    return _view(name, await services().tenant_models.put(caller.tenant_id, name, fields))


@app.delete("/api/models/{name}", status_code=204)
def delete(caller: TenantCaller, name: str) -> None:
    services().tenant_models.delete(caller.tenant_id, name)


def _view(name: str, model: TenantModel | ModelEntry) -> dict[str, Any]:
    """Return a model as it is shown; where and how the stack asks its own is not."""
    if isinstance(model, TenantModel):
        shown = model.model_dump(mode="json", exclude={"name", "updated_at"}, exclude_none=True)
        shown |= {"updated_at": rfc3339(model.updated_at)}
        entry = model.entry()
    else:
        shown, entry = {"provider": model.provider, "model": model.model}, model
    return shown | {
        "name": name,
        "own": isinstance(model, TenantModel),
        "context_window": entry.context_window,
        "max_output": entry.max_output,
        "interface": entry.interface,
        "features": list(entry.features),
    }


handler = lambda_handler(app)
