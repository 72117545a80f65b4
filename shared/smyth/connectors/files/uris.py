"""``smythfs://`` addresses and who may use them (ENGINE section 8)."""

from __future__ import annotations

import re

from smyth.connectors.files.port import FileError

SCHEME = "smythfs://"
#: S3 takes keys of 1,024 bytes; the rest is for what stands before the path.
_MOST_BYTES = 800
_URI = re.compile(r"smythfs://([A-Za-z0-9_-]{1,128})\.([a-z]{1,10})/(.{1,700})", re.DOTALL)
#: What a part of a path may hold: nothing that another reader could take for a separator or a step upwards.
_PART = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff/\\?#%]{1,255}")


def team_uri(team_id: str, agent_id: str, *parts: str) -> str:
    """Return the address of an agent's file in the space that its team shares."""
    return f"{SCHEME}{team_id}.team/{'/'.join((agent_id or 'agent', *parts))}"


def agent_uri(agent_id: str, *parts: str) -> str:
    """Return the address of a file in the agent's own space."""
    return f"{SCHEME}{agent_id or 'agent'}.agent/{'/'.join(parts)}"


def agent_folder(team_id: str, agent_id: str) -> str:
    """Return the path that all files of an agent's own space begin with."""
    return f"teams/{team_id}.agent/{agent_id or 'agent'}/"


def path_of(uri: str, *, team_id: str, agent_id: str) -> str:
    """Return where the file of ``uri`` is stored, for an agent that may use it.

    Raises:
        FileError: It is no such address, or another team's, agent's or user's.
    """
    found = _URI.fullmatch(uri)
    parts = found[3].split("/") if found and len(uri.encode("utf-8", "surrogatepass")) <= _MOST_BYTES else [""]
    if not found or not all(_PART.fullmatch(part) and part.strip(".") for part in parts):
        raise FileError(f'"{uri[:200]}" is no file address. It looks like smythfs://<team>.team/<folder>/<name>.')
    owner, kind, path = found.groups()
    if kind == "team" and owner == team_id:
        return f"teams/{owner}/{path}"
    if kind == "agent" and owner == (agent_id or "agent"):
        return agent_folder(team_id, agent_id) + path
    raise FileError("Access Denied: an agent reaches the files of its own team and of itself only.")
