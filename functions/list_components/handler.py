"""Lists every component that agents may be built of, with its settings and ports."""

from __future__ import annotations

from pydantic import BaseModel

from smyth.components.catalog import ComponentInfo, components
from smyth.http.app import create_app, lambda_handler
from smyth.http.caller import AnyCaller


class Components(BaseModel):
    """All components; they fit one page."""

    items: list[ComponentInfo]
    next_cursor: None = None


app = create_app("components")


@app.get("/api/components")
async def list_components(caller: AnyCaller) -> Components:
    return Components(items=list(components()))


handler = lambda_handler(app)
