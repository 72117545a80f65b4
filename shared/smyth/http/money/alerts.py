"""Alerts: where they go, and a trial."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter()
