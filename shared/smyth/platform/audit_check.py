"""Checks a chain of the audit: whether every entry is there, where it belongs, and as it was written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from smyth.platform.audit import FIRST, OPERATOR_CHAIN, hash_of

Kind = Literal["changed", "missing", "misplaced", "replaced", "foreign", "truncated", "forged", "rewritten"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong with a chain."""

    kind: Kind
    seq: int
    message: str


@dataclass(frozen=True, slots=True)
class Report:
    """What the check of a chain found."""

    entries: int
    #: Of the last entry; compare it with what was noted elsewhere.
    head: str
    findings: tuple[Finding, ...]


def check(documents: Iterable[Mapping[str, Any]], head: Mapping[str, Any], *, known: str = "") -> Report:
    """Check a whole chain.

    Args:
        documents: All entries as JSON has them, in the order in which they lie.
        head: Where the chain says that it ends: ``chain``, ``seq`` and ``hash``.
        known: ``<seq>:<hash>`` of an entry, noted earlier and elsewhere. Who can write the whole table can make a
            whole new chain; this finds that too.
    """
    findings: list[Finding] = []
    known_seq, _, known_hash = known.partition(":")
    seq, previous, seen = 0, FIRST, not known
    entries = 0
    for document in documents:
        entries += 1
        found = _faults(document, str(head["chain"]), seq, previous)
        own = _seq(document)
        if known_seq == str(own):
            seen = True
            if document.get("hash") != known_hash:
                found.append(Finding("rewritten", own, f"Entry {own} is not the one that was noted as {known}."))
        findings += found
        if own > seq:
            seq, previous = own, str(document.get("hash"))
    findings += _end_faults(head, seq, previous)
    if not seen:
        findings.append(Finding("truncated", seq, f"The entry that was noted as {known} is gone."))
    return Report(entries, f"{seq}:{previous}", tuple(findings))


def _faults(document: Mapping[str, Any], chain: str, before: int, previous: str) -> list[Finding]:
    """Return what is wrong with one entry that stands behind the entry ``before``."""
    seq = _seq(document)
    found = []
    if hash_of(dict(document)) != document.get("hash"):
        found.append(Finding("changed", seq, f"Entry {seq} was changed: its content does not give its hash."))
    if (document.get("tenant_id") or OPERATOR_CHAIN) != chain:
        found.append(Finding("foreign", seq, f"Entry {seq} belongs to another chain."))
    if seq > before + 1:
        gone = f"Entry {before + 1} is" if seq == before + 2 else f"Entries {before + 1} to {seq - 1} are"
        found.append(Finding("missing", before + 1, f"{gone} not where they belong: deleted or moved."))
    elif seq <= before:
        found.append(Finding("misplaced", seq, f"Entry {seq} stands behind entry {before}: moved or inserted."))
    elif document.get("previous") != previous:
        text = f"Entry {seq} was not written after the entry {before} that is there: one of them was replaced."
        found.append(Finding("replaced", seq, text))
    return found


def _seq(document: Mapping[str, Any]) -> int:
    seq = document.get("seq")
    return seq if isinstance(seq, int) else 0


def _end_faults(head: Mapping[str, Any], seq: int, last: str) -> list[Finding]:
    if seq < head["seq"]:
        text = f"The chain ends with entry {seq}; entries up to {head['seq']} were cut off."
        return [Finding("truncated", seq + 1, text)]
    if seq > head["seq"]:
        return [Finding("forged", seq, f"Entries behind {head['seq']}, the end of the chain, were inserted.")]
    if last != head["hash"]:
        return [Finding("replaced", seq, f"The last entry {seq} is not the one that the chain ends with.")]
    return []
