"""Where the things lie that go into the stack."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CUSTOMERS = ROOT / "infra" / "customers"
FUNCTIONS = ROOT / "functions"
LAYER = ROOT / "layers" / "runtime"
OPENAPI = ROOT / "docs" / "openapi.json"
SMYTH = ROOT / "shared" / "smyth"
