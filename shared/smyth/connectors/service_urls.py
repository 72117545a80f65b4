"""Where the outside services are that components speak to."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class ServiceUrls:
    """The base address of each service: its own by default, another for a proxy, a region or a test."""

    tavily: str = "https://api.tavily.com"
    scrapfly: str = "https://api.scrapfly.io"
    huggingface: str = "https://router.huggingface.co/hf-inference"
    gmail: str = "https://gmail.googleapis.com"
    zapier: str = "https://actions.zapier.com"
    openai: str = "https://api.openai.com/v1"
    google: str = "https://generativelanguage.googleapis.com/v1beta"
    runware: str = "https://api.runware.ai/v1"

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> ServiceUrls:
        """Read ``SMYTH_<SERVICE>_URL``, such as ``SMYTH_TAVILY_URL``, for each service that is elsewhere."""
        given = {field.name: env.get(f"SMYTH_{field.name.upper()}_URL") for field in fields(cls)}
        return cls(**{name: url.rstrip("/") for name, url in given.items() if url})
