"""Whoever calls a stack that is deployed on the emulator, through its authorizer and API Gateway."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from zlib import crc32

from smyth.platform.routes import ROUTES
from tests.infra.cloud import Cloud


class Caller:
    """Calls routes with a credential, as the laptop's front would, and keeps in mind which."""

    def __init__(self, cloud: Cloud, credential: str) -> None:
        self._cloud = cloud
        # The front tells its own address, for links.
        self._headers = {"Authorization": f"Bearer {credential}", "X-Forwarded-Host": "laptop"}
        event = {"headers": self._headers, "methodArn": "arn:aws:execute-api:us-east-1:000000000000:x/api/GET/y"}
        identifier = cloud.invoke("authorizer", event).get("usageIdentifierKey")
        if identifier:
            self._headers["x-api-key"] = identifier
        self.called: set[tuple[str, str]] = set()

    def __call__(
        self,
        method: str,
        template: str,
        /,
        *,
        json: Any = None,
        files: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
        refused: int = 0,
        **parts: str,
    ) -> Any:
        route = next(one for one in ROUTES if (one.method, one.path) == (method, template.partition("?")[0]))
        self.called.add((route.method, route.path))
        path = template.format(**parts)
        sent = crc32(repr((path, json, files)).encode())
        again = {"Idempotency-Key": f"{template}-{sent}"} if method == "POST" else {}
        told = {**self._headers, **again, **headers}
        answer = self._cloud.call(method, path, json=json, files=files, content=content, **told)
        said = f"{method} {path}: {answer.status_code} {answer.text}"
        assert answer.status_code < 400 or refused, f"{said}\n{self._cloud.faults(route.function)}"
        if refused:
            assert answer.status_code == refused, said
        is_json = answer.text and answer.headers.get("content-type", "").startswith("application/json")
        return answer.json() if is_json else answer.text
