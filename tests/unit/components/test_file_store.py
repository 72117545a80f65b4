"""FileStore."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from smyth.components.file_store import Settings
from smyth.connectors.files.memory import MemoryFiles
from smyth.connectors.files.port import FileError, StoredFile
from smyth.connectors.ports import Ports
from smyth.values import InvalidValue

Outputs = Callable[..., Any]


class Watched(MemoryFiles):
    """Tells what was written and linked."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[tuple[str, StoredFile, int | None]] = []
        self.linked: list[tuple[str, str, int | None]] = []

    async def write(self, path: str, file: StoredFile, *, seconds: int | None) -> None:
        self.written.append((path, file, seconds))
        await super().write(path, file, seconds=seconds)

    async def link(self, path: str, *, name: str, seconds: int | None) -> str:
        self.linked.append((path, name, seconds))
        return await super().link(path, name=name, seconds=seconds)


async def test_the_link_gives_what_was_stored(outputs_of: Outputs) -> None:
    assert await outputs_of("FileStore", {}, {"Data": "hello"}) == {"Url": "data:text/plain;base64,aGVsbG8="}


async def test_file_and_link_live_as_long_as_the_settings_say(outputs_of: Outputs) -> None:
    files = Watched()
    settings = {"name": "report {{n}}", "ttl": "604800"}
    await outputs_of("FileStore", settings, {"Data": "data:text/csv;base64,YQ==", "n": 7}, ports=Ports(files=files))
    [(path, file, seconds)] = files.written
    assert path.startswith("teams/default.agent/agt-1/components_data/")
    assert path.endswith(".report 7.csv")
    assert (file, seconds) == (StoredFile(b"a", "text/csv"), 604_800)
    assert files.linked == [(path, "report 7.csv", 604_800)]


async def test_the_same_data_is_never_stored_in_the_same_place(outputs_of: Outputs) -> None:
    files = Watched()
    for _ in range(2):
        await outputs_of("FileStore", {}, {"Data": "a"}, ports=Ports(files=files))
    assert len({path for path, *_ in files.written}) == 2


async def test_a_name_from_a_caller_leads_nowhere_else(outputs_of: Outputs) -> None:
    files = Watched()
    await outputs_of("FileStore", {"name": "{{n}}"}, {"Data": "a", "n": "../../../x?y"}, ports=Ports(files=files))
    [(path, *_)] = files.written
    assert path.split("/")[:-1] == ["teams", "default.agent", "agt-1", "components_data"]
    assert path.endswith(".x-y.txt")


@pytest.mark.parametrize("data", [None, 5, {"no": "file"}])
async def test_what_is_no_file_is_an_error(outputs_of: Outputs, data: Any) -> None:
    with pytest.raises(InvalidValue, match="Invalid Binary value"):
        await outputs_of("FileStore", {}, {"Data": data})


async def test_an_agent_without_a_public_address_says_so(outputs_of: Outputs) -> None:
    class NoLinks(MemoryFiles):
        async def link(self, path: str, *, name: str, seconds: int | None) -> str:
            raise FileError("no public address")

    with pytest.raises(FileError, match="no public address"):
        await outputs_of("FileStore", {}, {"Data": "a"}, ports=Ports(files=NoLinks()))


@pytest.mark.parametrize("data", [{"ttl": "soon"}, {"ttl": 0}, {"ttl": 86_400 * 31}, {"name": "x" * 1_001}])
def test_settings_outside_their_range_are_refused(data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(data)
