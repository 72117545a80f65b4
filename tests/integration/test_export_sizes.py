"""An export's archives fit into the memory of what makes them, whatever a tenant has stored."""

from __future__ import annotations

import io
import zipfile
from random import Random

import httpx
import pytest

from smyth.aws import tenant_export as stored
from smyth.http.services import services
from smyth.platform import tenant_export
from smyth.platform.tenant_export import Exports
from tests.integration.events import OPERATOR, call


def test_large_objects_have_links_of_their_own_and_the_others_fill_no_archive_beyond_its_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (tenant_export, stored):
        monkeypatch.setattr(module, "ARCHIVE_BYTES", 1_000)
    tenant_id = call("POST", "/api/tenants", body={"name": "Large", "plan": "pro"}, caller=OPERATOR).json()["id"]
    objects = {f"files/{number}.bin": Random(number).randbytes(600) for number in range(5)}
    large = b"l" * 1_001
    for name, content in (objects | {"files/large.bin": large}).items():
        services().bucket.put(f"t/{tenant_id}/{name}", content, "application/octet-stream")
    exports = Exports(services().exports._store, services().tenants)
    exports.ask(tenant_id)
    exports.go_on(lambda: True)
    *archives, link = [httpx.get(one, trust_env=False).content for one in exports.ask(tenant_id)[1]]
    assert link == large
    found = []
    for archive in archives:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            sizes = [one.file_size for one in opened.infolist() if one.filename.startswith("objects/")]
            found += [one for one in opened.namelist() if one.startswith("objects/")]
        assert sum(sizes) < 2 * 1_000 + 600
    assert found == [f"objects/{name}" for name in sorted(objects)]
