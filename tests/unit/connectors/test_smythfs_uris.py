"""smythfs addresses, and who may use them."""

from __future__ import annotations

import pytest

from smyth.connectors.files.port import FileError
from smyth.connectors.files.uris import agent_uri, path_of, team_uri


def path(uri: str) -> str:
    return path_of(uri, team_id="acme", agent_id="agt-1")


def test_a_team_reaches_the_files_of_all_its_agents() -> None:
    assert path(team_uri("acme", "agt-2", "_temp", "a b.txt")) == "teams/acme/agt-2/_temp/a b.txt"


def test_an_agent_reaches_its_own_space() -> None:
    assert path(agent_uri("agt-1", "components_data", "x.png")) == "teams/acme.agent/agt-1/components_data/x.png"


@pytest.mark.parametrize(
    "uri", ["smythfs://other.team/x", "smythfs://agt-2.agent/x", "smythfs://u1.user/x", "smythfs://acme.smyth/x"]
)
def test_nobody_reaches_what_is_not_theirs(uri: str) -> None:
    with pytest.raises(FileError, match="Access Denied"):
        path(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "smythfs://acme.team/../other/x",
        "smythfs://acme.team/a/./b",
        "smythfs://acme.team/a//b",
        "smythfs://acme.team/",
        "smythfs://acme.team/a\\..\\b",
        "smythfs://acme.team/%2e%2e/x",
        "smythfs://acme.team/a?versionId=1",
        "smythfs://acme.team/a\x00b",
        "smythfs://acme.team/a\nb",
        "smythfs://acme.team/half \ud83d",
        "smythfs://acme.team/" + "a/" * 400 + "x",
        "smythfs://acme.team/" + "ü" * 250 + "/" + "ü" * 250,
        "smythfs://../acme.team/x",
        "smythfs:///x",
        "http://acme.team/x",
    ],
)
def test_paths_that_could_lead_elsewhere_are_refused(uri: str) -> None:
    with pytest.raises(FileError, match="is no file address"):
        path(uri)
