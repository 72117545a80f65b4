"""Migrations: changes to stored data that a new version of the code asks for.

Each does its work in small steps and may do any step again. After every step its cursor is stored, so a run that ends,
in whatever way, is taken up by the next one. A lease keeps two runs from doing the same work side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from smyth.platform.errors import Conflict
from smyth.platform.times import Clock, utc_now

#: Longer than any step takes; every step renews it.
LEASE = timedelta(minutes=2)


class LeaseLost(Exception):
    """Another run has taken over; what it does is not to be disturbed."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One change of the data."""

    #: Their order; a number is never used for anything else.
    number: int
    name: str
    #: Does the work at a cursor and returns the next one; the empty cursor is the beginning, and the end.
    step: Callable[[str], str]


class Progress(BaseModel):
    """How far a migration has come."""

    model_config = ConfigDict(frozen=True)

    number: int
    name: str
    cursor: str = ""
    steps: int = 0
    started_at: datetime
    #: None while there is work left.
    finished_at: datetime | None = None


class Report(BaseModel):
    """What a run has done."""

    model_config = ConfigDict(frozen=True)

    #: Whether nothing is left to do; else call again.
    done: bool
    #: Another run is at work.
    busy: bool = False
    #: Names of the migrations that this run finished.
    finished: list[str] = []
    #: Names of those that are left.
    left: list[str] = []
    steps: int = 0


class MigrationStore(Protocol):
    """Where progress and the lease are kept."""

    def take(self, holder: str, now: datetime, until: datetime) -> bool:
        """Take the lease; False while another holder has it."""
        ...

    def free(self, holder: str) -> None:
        """Give the lease back, where it is still the holder's."""
        ...

    def progress(self) -> list[Progress]:
        """Return what is known of all migrations that were begun."""
        ...

    def save(self, progress: Progress, holder: str, until: datetime) -> None:
        """Store progress and renew the lease, or neither.

        Raises:
            LeaseLost: The lease is no longer the holder's.
        """
        ...


class Migrations:
    """Runs what was not run yet, in order."""

    def __init__(self, store: MigrationStore, migrations: Sequence[Migration], clock: Clock = utc_now) -> None:
        numbers = [migration.number for migration in migrations]
        if numbers != sorted(set(numbers)):
            raise ValueError(f"migrations need rising numbers, each once, but they are {numbers}")
        self._store = store
        self._migrations = migrations
        self._now = clock

    def run(self, holder: str, *, in_time: Callable[[], bool] = lambda: True) -> Report:
        """Work as long as there is time; what is left is for the next run.

        Args:
            holder: Names this run.
            in_time: Asked before each step whether there is time for one more.

        Raises:
            Conflict: A number was applied under another name.
            LeaseLost: A step took so long that another run has taken over.
        """
        if not self._store.take(holder, self._now(), self._now() + LEASE):
            return Report(done=False, busy=True, left=[migration.name for migration in self._migrations])
        try:
            return self._work(holder, in_time)
        finally:
            self._store.free(holder)

    def _work(self, holder: str, in_time: Callable[[], bool]) -> Report:
        known = {progress.number: progress for progress in self._store.progress()}
        left = [migration for migration in self._migrations if not _finished(migration, known)]
        finished: list[str] = []
        steps = 0
        for migration in left:
            progress = known.get(migration.number) or Progress(
                number=migration.number, name=migration.name, started_at=self._now()
            )
            while progress.finished_at is None:
                if not in_time():
                    names = [migration.name for migration in left[len(finished) :]]
                    return Report(done=False, finished=finished, left=names, steps=steps)
                progress = self._step(migration, progress)
                self._store.save(progress, holder, self._now() + LEASE)
                steps += 1
            finished.append(migration.name)
        return Report(done=True, finished=finished, steps=steps)

    def _step(self, migration: Migration, before: Progress) -> Progress:
        cursor = migration.step(before.cursor)
        ended = None if cursor else self._now()
        return before.model_copy(update={"cursor": cursor, "steps": before.steps + 1, "finished_at": ended})


def _finished(migration: Migration, known: dict[int, Progress]) -> bool:
    progress = known.get(migration.number)
    if progress is None:
        return False
    if progress.name != migration.name:
        raise Conflict(
            f"Migration {migration.number} was applied as '{progress.name}', but this version calls it "
            f"'{migration.name}'. Give the new one a number of its own."
        )
    return progress.finished_at is not None
