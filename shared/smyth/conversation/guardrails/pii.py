"""Find data about persons in a text; numbers with check digits are checked, so that few others are taken for them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from smyth.conversation.guardrails.folding import readable
from smyth.document.guardrails import Entity


@dataclass(frozen=True, slots=True)
class Find:
    """Where a text holds something, and what."""

    begin: int
    end: int
    entity: Entity
    #: The same for two spellings of one value.
    value: str


def find(text: str, entities: Iterable[Entity]) -> list[Find]:
    """Return what ``text`` holds, in the order of the text; of two that overlap what is surer."""
    folded = readable(text)
    wanted = set(entities)
    found: list[Find] = []
    taken = bytearray(len(text))
    for entity, (sign, pattern, read) in _FINDERS.items():
        if entity not in wanted or not sign.search(folded.text):
            continue
        for match in pattern.finditer(folded.text):
            value, length = read(match.group())
            begin, end = folded.span(match.start(), match.start() + max(length, 1))
            if value and not any(taken[begin:end]):
                taken[begin:end] = b"\1" * (end - begin)
                found.append(Find(begin, end, entity, value))
    return sorted(found, key=lambda one: one.begin)


#: What a pattern's match means, empty where it means nothing, and how much of it.
Reading = tuple[str, int]
_NOTHING: Reading = ("", 0)


def _email(found: str) -> Reading:
    return found.lower(), len(found)


def _ip(found: str) -> Reading:
    try:
        return str(ipaddress.ip_address(found)), len(found)
    except ValueError:
        return _NOTHING


def _iban(found: str) -> Reading:
    """Check the two digits after the country (ISO 13616, modulo 97); words that follow are no part of it."""
    ends = [len(found), *(gap.start() for gap in reversed(list(re.finditer(r"[ -]", found))))]
    for end in ends:
        compact = re.sub(r"[ -]", "", found[:end]).upper()
        if 15 <= len(compact) <= 34 and int("".join(str(int(one, 36)) for one in compact[4:] + compact[:4])) % 97 == 1:
            return compact, end
    return _NOTHING


def _card(found: str) -> Reading:
    """Check the last digit (Luhn)."""
    digits = re.sub(r"\D", "", found)
    doubled = [2 * int(digit) for digit in digits[-2::-2]]
    total = sum(map(int, digits[-1::-2])) + sum(digit - 9 if digit > 9 else digit for digit in doubled)
    return (digits, len(found)) if total % 10 == 0 and len(set(digits)) > 1 else _NOTHING


def _ssn(found: str) -> Reading:
    area, group, serial = re.split(r"[ -]", found)
    never = area in ("000", "666") or area.startswith("9") or group == "00" or serial == "0000"
    return _NOTHING if never else (f"{area}-{group}-{serial}", len(found))


def _phone(found: str) -> Reading:
    """Take what begins as phone numbers do, or is written in groups as they are."""
    digits = re.sub(r"\D", "", found)
    international = found.startswith(("+", "00"))
    grouped = found.startswith(("0", "(")) or re.search(r"\d[ /-]|\d\.\d+\.\d", found)
    if not (8 if international else 9) <= len(digits) <= 15 or not (international or grouped):
        return _NOTHING
    if _DATE.match(found) or _ip(found)[0]:
        return _NOTHING
    return f"+{digits.removeprefix('00')}" if international else digits, len(found)


_DATE = re.compile(r"\d{4}[-./]\d{1,2}[-./]\d{1,2}\b|\d{1,2}[-./]\d{1,2}[-./]\d{4}\b")
_V4 = r"\d{1,3}(?:\.\d{1,3}){3}"
_V6 = rf"(?:[0-9A-Fa-f]{{0,4}}:){{2,7}}(?:{_V4}|[0-9A-Fa-f]{{0,4}})"
_DIGIT = re.compile(r"\d")
# The surer entities come first. Without its sign an entity is not looked for. All repetitions are bounded: the texts
# are whatever callers send.
_FINDERS: dict[Entity, tuple[re.Pattern[str], re.Pattern[str], Callable[[str], Reading]]] = {
    "email": (
        re.compile("@"),
        re.compile(r"(?<![\w.+-])[\w.!#$%&'*+/=?^`{|}~-]{1,64}@(?:[^\W_][\w-]{0,62}\.){1,8}[^\W\d_][\w-]{1,62}"),
        _email,
    ),
    "iban": (
        _DIGIT,
        re.compile(r"(?<![^\W_])(?:[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,30}|[a-z]{2}\d{2}[a-z0-9]{11,30})(?![^\W_])"),
        _iban,
    ),
    "credit_card": (_DIGIT, re.compile(r"(?<![\d.])\d(?:[ -]?\d){12,18}(?!\d)"), _card),
    "ssn": (_DIGIT, re.compile(r"(?<![\d-])\d{3}([ -])\d{2}\1\d{4}(?![\d-])"), _ssn),
    "ip": (re.compile(r"[\d:]"), re.compile(rf"(?<![\d.]){_V4}(?![\d.]*\d)|(?<![\w:]){_V6}(?![\w:])"), _ip),
    "phone": (
        _DIGIT,
        re.compile(r"(?<![\w+-])(?:\+|00)?\(?\d{1,4}\)?(?:[ ./-]{0,2}\(?\d{1,5}\)?){2,6}(?!\w)"),
        _phone,
    ),
}
