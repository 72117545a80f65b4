"""Where the things lie that go into the stack."""

from __future__ import annotations

import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CUSTOMERS = ROOT / "infra" / "customers"
FUNCTIONS = ROOT / "functions"
LAYERS = ROOT / "layers"
OPENAPI = ROOT / "docs" / "openapi.json"
SMYTH = ROOT / "shared" / "smyth"
#: Swagger UI's files, of which the layers carry none: one function serves them.
SWAGGER = tuple(
    Path(sysconfig.get_path("purelib"), "fastapi_offline", "static", name)
    for name in ("swagger-ui.css", "swagger-ui-bundle.js")
)
