"""How often an address showed credentials that nobody has: at ``ATTEMPTS#<network>``, ``<minute>``.

A key cannot be guessed, yet who tries should not cost us a look into the table for each try, nor keep trying.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from smyth.aws.table import Item, Table, key, update

#: Failed tries a minute; an address that shows more is refused for the rest of the minute, good keys included.
MOST_FAILURES = 30


class TooManyAttempts(Exception):
    """The address has shown too many unknown credentials within this minute."""


class Attempts:
    """Counts failures by address and minute."""

    def __init__(self, table: Table, most: int = MOST_FAILURES) -> None:
        self._table = table
        self._most = most
        #: Networks that this process knows to be refused, and in which minute.
        self._refused: tuple[str, set[str]] = ("", set())

    def check(self, source_ip: str, now: datetime, *further: Item) -> list[Item]:
        """Return the items at the keys ``further``, read in the same call.

        Raises:
            TooManyAttempts: The address is refused for the rest of this minute.
        """
        at = _at(source_ip, now)
        if at["pk"] in self._refused_in(at["sk"]):
            raise TooManyAttempts
        found = self._table.get_many([at, *further])
        if found and found[0]["pk"] == at["pk"]:
            if found[0]["failed"] >= self._most:
                self._refused_in(at["sk"]).add(at["pk"])
                raise TooManyAttempts
            return found[1:]
        return found

    def failed(self, source_ip: str, now: datetime) -> None:
        """Count a failure."""
        ends = int((now + timedelta(minutes=10)).timestamp())
        write = update(_at(source_ip, now), "SET #expires_at = :ends ADD #failed :one", {"ends": ends, "one": 1})
        self._table.write(write)

    def _refused_in(self, minute: str) -> set[str]:
        if self._refused[0] != minute:
            self._refused = (minute, set())
        return self._refused[1]


def _at(source_ip: str, now: datetime) -> Item:
    return key(f"ATTEMPTS#{_network(source_ip)}", now.strftime("%Y-%m-%dT%H:%M"))


def _network(source_ip: str) -> str:
    """Return the address; of an IPv6 address the network, for each customer has more addresses than we can count."""
    if ":" not in source_ip:
        return source_ip or "unknown"
    import ipaddress

    try:
        return str(ipaddress.ip_network((source_ip, 64), strict=False))
    except ValueError:
        return "unknown"
