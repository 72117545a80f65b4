"""Versions of a credential's value: the next one, those that are kept beside it, and when another is due."""

from __future__ import annotations

from datetime import datetime, timedelta

from smyth.platform.credential_records import HOOK, KEPT_VERSIONS, Credential, RotationState, Version

#: How long after a rotation failed it is tried again, doubled each time up to a day.
_AGAIN = timedelta(hours=1)
_LONGEST_PAUSE = timedelta(days=1)


def with_value(known: Credential, secrets: dict[str, str], value: str, *, by: str, now: datetime) -> Credential:
    """Return the credential with a new version that is the current one; ``secrets`` gets it, and loses the oldest.

    The one that was current stays, however old it is: agents may still be at work with it.
    """
    number = max((version.number for version in known.versions), default=0) + 1
    others = [version for version in known.versions if version.number != known.current]
    kept = {version.number for version in others[-(KEPT_VERSIONS - 2) :]} | {known.current}
    versions = tuple(version for version in known.versions if version.number in kept)
    for name in set(secrets) - {HOOK} - {str(version.number) for version in versions}:
        del secrets[name]
    secrets[str(number)] = value
    rotation = known.rotation and _renewed(known.rotation, now)
    made = Version(number=number, created_at=now, created_by=by)
    return known.model_copy(update={"current": number, "versions": (*versions, made), "rotation": rotation})


def failed(rotation: RotationState, why: str, now: datetime) -> RotationState:
    """Return a rotation that came to nothing and is tried again later."""
    pause = min(_AGAIN * 2 ** min(rotation.failures, 10), _LONGEST_PAUSE)
    return rotation.model_copy(update={"due_at": now + pause, "failures": rotation.failures + 1, "error": why[:500]})


def _renewed(rotation: RotationState, now: datetime) -> RotationState:
    due = now + timedelta(days=rotation.every_days)
    return rotation.model_copy(update={"due_at": due, "failures": 0, "error": ""})
