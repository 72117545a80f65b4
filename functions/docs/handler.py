"""Serves the API's description: the OpenAPI document, and Swagger UI to read and try it."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse

from smyth.http.app import create_app, lambda_handler
from smyth.http.problems import Problem

_HERE = Path(__file__).resolve().parent
#: Beside the handler where it is deployed, in the checkout's docs otherwise.
_DOCUMENT = next(
    (path for path in (_HERE / "openapi.json", _HERE.parents[1] / "docs" / "openapi.json") if path.is_file()), None
)

# Addresses are relative: behind API Gateway the stage's name stands before them.
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Smyth Serverless API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
_START = 'SwaggerUIBundle({url: "openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null});\n'
#: The only assets there are: name -> media type.
_ASSETS = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "start.js": "text/javascript",
}

# Swagger UI sets styles on its elements; everything else comes from here and from files.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_SAFE = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}
_REVALIDATE = {"cache-control": "public, max-age=0, must-revalidate"}
_KEEP = {"cache-control": "public, max-age=86400"}

app = create_app("docs")


@app.get("/docs", response_class=HTMLResponse)
async def docs() -> HTMLResponse:
    return HTMLResponse(_PAGE, headers=_SAFE | _REVALIDATE | {"content-security-policy": _POLICY})


@app.get(
    "/docs/{asset}",
    response_class=PlainTextResponse,
    responses={200: {"content": {"text/css": {}, "text/javascript": {}}}},
)
async def docs_asset(request: Request, asset: str) -> Response:
    if asset not in _ASSETS:
        raise Problem(404, "not_found", f"There is no such asset. The page at /docs uses {', '.join(_ASSETS)}.")
    return _cached(request, _asset(asset), _ASSETS[asset], _KEEP)


@app.get("/openapi.json", response_model=dict[str, Any])
async def openapi_document(request: Request) -> Response:
    if _DOCUMENT is None:
        raise Problem(503, "not_built", "The document was not deployed with this function. Run `make openapi`.")
    return _cached(request, _DOCUMENT.read_bytes(), "application/json", _REVALIDATE)


@cache
def _asset(name: str) -> bytes:
    if name == "start.js":
        return _START.encode()
    beside = _HERE / name
    # Beside the handler where it is deployed: no layer carries them.
    return beside.read_bytes() if beside.is_file() else files("fastapi_offline").joinpath("static", name).read_bytes()


def _cached(request: Request, content: bytes, media_type: str, caching: dict[str, str]) -> Response:
    """Answer with content, or with 304 where the caller has it."""
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = _SAFE | caching | {"etag": etag}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)


handler = lambda_handler(app)
