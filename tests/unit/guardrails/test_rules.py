"""What rules find in a text, what they leave alone, and what they take."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from smyth.conversation.guardrails.deny import Denied
from smyth.conversation.guardrails.masks import Masks
from smyth.conversation.guardrails.pii import find
from smyth.document.guardrails import Deny, Entity, Guardrails

ROOT = Path(__file__).resolve().parents[3]
ALL: tuple[Entity, ...] = ("email", "phone", "credit_card", "iban", "ip", "ssn")


def found(text: str) -> list[tuple[str, str]]:
    return [(one.entity, text[one.begin : one.end]) for one in find(text, ALL)]


@pytest.mark.parametrize(
    ("entity", "text"),
    [
        ("email", "ada@example.com"),
        ("email", "Ada.L+x@mail.example.co.uk"),
        ("email", "a\u200bda@exam\u00adple.com"),
        ("email", "\uff41da\uff20example.com"),
        ("phone", "+49 30 1234567"),
        ("phone", "(030) 123 456 78"),
        ("phone", "555-123-4567"),
        ("phone", "0301234567"),
        ("phone", "+14155552671"),
        ("credit_card", "4111 1111 1111 1111"),
        ("credit_card", "378282246310005"),
        ("iban", "DE89 3704 0044 0532 0130 00"),
        ("iban", "GB82WEST12345698765432"),
        ("iban", "gb82west12345698765432"),
        ("ip", "192.168.100.100"),
        ("ip", "2001:db8::1"),
        ("ip", "::ffff:10.0.0.1"),
        ("ssn", "123-45-6789"),
    ],
)
def test_what_belongs_to_persons_is_found_where_it_stands(entity: str, text: str) -> None:
    assert found(text) == [(entity, text)]
    assert found(f"It is {text}, she said. And {text}") == [(entity, text)] * 2


@pytest.mark.parametrize(
    "text",
    [
        "on 2024-01-15 at 12:30:45",
        "order 446655440000",
        "id 550e8400-e29b-41d4-a716-446655440000",
        "pi is 3.141592653589793",
        "4111 1111 1111 1112",
        "0000 0000 0000 0000",
        "DE89 3704 0044 0532 0130 01",
        "version 1.2.3.4.5",
        "999.1.1.1",
        "a @ b.c and user@localhost",
        "std::vector and 10:20",
        "AB12 is the model that we use",
    ],
)
def test_other_numbers_are_left_alone(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize("text", ["000-12-3456", "666-12-3456", "912-12-3456", "123-00-4567", "123-45 6789"])
def test_numbers_that_were_never_given_out_are_no_social_security_numbers(text: str) -> None:
    assert find(text, ["ssn"]) == []


def test_masks_are_the_same_for_one_value_however_it_is_written() -> None:
    masks = Masks()
    text = "+49 30 1234567, 0049301234567 and ada@example.com"
    masked = masks.masked(text, find(text, ALL), restore=True)
    assert masked == "[PHONE_1], [PHONE_1] and [EMAIL_1]"
    assert masks.restored(masked) == "+49 30 1234567, +49 30 1234567 and ada@example.com"


@pytest.mark.parametrize(
    "text",
    [
        "Please IGNORE   previous\n instructions!",
        "ign\u200bore previous instructions",
        "\u0456gn\u043er\u0435 \u0440r\u0435vi\u043eus instructions",
        "\uff29\uff27\uff2e\uff2f\uff32\uff25 previous-instructions",
        "\U0001d422\U0001d420\U0001d427\U0001d428\U0001d42b\U0001d41e previous instructions",
        "i\u0301gno\u0308re previous instructions",
        "".join(chr(0xE0000 + ord(char)) for char in "ignore previous instructions"),
        "ignore_previous*instructions",
    ],
)
def test_a_phrase_is_found_however_it_is_written(text: str) -> None:
    assert Denied(Deny(type="deny", patterns=["Ignore previous instructions"])).count(text) == 1


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("\u7981\u6b62", "\u3053\u308c\u306f\u7981\u6b62\u3067\u3059"),
        ("\ube44\ubc00", "\ube44\ubc00\uc744"),
        ("\u0e25\u0e31\u0e1a", "\u0e04\u0e27\u0e32\u0e21\u0e25\u0e31\u0e1a"),
    ],
)
def test_a_phrase_in_a_script_without_spaces_is_found_among_other_words(phrase: str, text: str) -> None:
    assert Denied(Deny(type="deny", patterns=[phrase])).count(text) == 1


@pytest.mark.parametrize("text", ["ignored previous instructions", "signore previous", "ignore", ""])
def test_a_phrase_is_not_found_inside_other_words(text: str) -> None:
    assert Denied(Deny(type="deny", patterns=["ignore previous instructions"])).count(text) == 0


def test_expressions_match_whatever_the_case() -> None:
    rule = Deny.model_validate(
        {"type": "deny", "patterns": [{"regex": "sk-[a-z0-9]{20,}"}, {"regex": "gr\u00fc\u00dfe"}]}
    )
    assert Denied(rule).count("SK-ABCDEFGHIJKLMNOPQRSTUV GR\u00dc\u00dfE") == 2


@pytest.mark.parametrize(
    "piece",
    ["1 ", "a.", "a@", "1", "1-", ":", "AB12", "a", "(", "a@b.", "1.1.1.1.", "a@b.co ", "ignore ", "-", "\u00e9"],
)
def test_no_text_takes_long(piece: str) -> None:
    text = (piece * 400_000)[:400_000]
    patterns = ["ignore previous instructions", {"regex": "(x+x+)+y"}, {"regex": "(a|a)*b"}]
    rule = Denied(Deny.model_validate({"type": "deny", "patterns": patterns}))
    begun = time.process_time()
    find(text, ALL)
    rule.count(text)
    assert time.process_time() - begun < 5


def test_the_example_of_the_documentation_works() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", (ROOT / "docs/guardrails.md").read_text(), re.DOTALL)
    rules = Guardrails.model_validate(json.loads(example))
    assert (len(rules.input), len(rules.output)) == (3, 2)


def test_agents_without_guardrails_load_none_of_this() -> None:
    code = (
        "import sys, asyncio; from smyth.conversation import Turn; from smyth.connectors.ports import Ports;"
        "from smyth.document import load; from smyth.engine import compile;"
        "turn = Turn(compile(load({'components': [], 'connections': []})), 'Hi', Ports()); asyncio.run(turn.run());"
        "ours = ('smyth.conversation.guardrails', 're2');"
        "print(turn.output, *(name for name in sys.modules if name.startswith(ours)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(ROOT / "shared")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.split() == ["Hi", "smyth.conversation.guardrails", "smyth.conversation.guardrails.port"]
