"""The member ``guardrails`` of a document: rules for what goes into a conversation and what comes out of it.

The original does not know the member and ignores it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError

from smyth.document.findings import Finding
from smyth.document.model import Document

MEMBER = "guardrails"

Entity = Literal["email", "phone", "credit_card", "iban", "ip", "ssn"]
#: Instructions of a compiled expression: what it may cost at each character of a text.
_LARGEST_PROGRAM = 1000
_MOST_RULES = 20
_MOST_PATTERNS = 200


def _safe(expression: str) -> str:
    import re2  # Only agents with such a rule pay for it.

    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(expression, options)
    except re2.error as error:
        said = error.args[0].decode(errors="replace") if error.args and isinstance(error.args[0], bytes) else error
        raise ValueError(f"is no expression of RE2: {said}. Look-arounds and back-references are not known") from None
    if compiled.programsize > _LARGEST_PROGRAM:
        raise ValueError("is too large. Use smaller numbers in {…}, or several expressions")
    if compiled.search("") is not None:
        raise ValueError("must not match the empty text: it would refuse everything")
    return expression


def _says_something(phrase: str) -> str:
    if not any(char.isalnum() for char in phrase):
        raise ValueError("must hold a letter or a digit; for anything else use a regex")
    return phrase


class _Rule(BaseModel):
    """Common ground: what is not known is a fault, since a misspelt rule guards nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    #: What the caller is told where the rule refuses.
    message: str | None = Field(default=None, min_length=1, max_length=2000)
    #: Whether an input rule reads what skills return, too.
    tools: bool = False


class Expression(BaseModel):
    """A regular expression in RE2's language; letters match whatever their case."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    regex: Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_safe)]


def _pattern_kind(value: Any) -> str:
    return "phrase" if isinstance(value, str) else "regex"


Phrase = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_says_something)]
Pattern = Annotated[
    Annotated[Phrase, Tag("phrase")] | Annotated[Expression, Tag("regex")], Discriminator(_pattern_kind)
]


class Deny(_Rule):
    """Refuses texts that hold one of the patterns."""

    type: Literal["deny"]
    patterns: list[Pattern] = Field(min_length=1, max_length=_MOST_PATTERNS)


class Pii(_Rule):
    """Masks or refuses data about persons."""

    type: Literal["pii"]
    entities: list[Entity] = Field(default_factory=lambda: list(get_args(Entity)), min_length=1)
    action: Literal["mask", "block"] = "mask"
    #: Whether the caller gets the originals back where the answer repeats a mask.
    restore: bool = False


class Moderation(_Rule):
    """Asks a moderation model."""

    type: Literal["moderation"]
    model: str | dict[str, Any] = "omni-moderation-latest"
    #: From which score on a category counts; the model's own verdict unless told.
    threshold: float | None = Field(default=None, gt=0, le=1)
    #: Which categories count, such as ``violence`` or ``self-harm/intent``; all unless told.
    categories: list[Annotated[str, Field(min_length=1, max_length=64)]] | None = Field(default=None, min_length=1)
    #: What happens when the model cannot be asked.
    on_error: Literal["block", "pass"] = "block"


class Bedrock(_Rule):
    """Lets Amazon Bedrock apply one of its guardrails; both ways, wherever the rule stands."""

    type: Literal["bedrock"]
    id: str = Field(min_length=1, max_length=2048)
    version: str = Field(default="DRAFT", pattern=r"^(DRAFT|[1-9][0-9]{0,7})$")


Rule = Annotated[Deny | Pii | Moderation | Bedrock, Field(discriminator="type")]


class Guardrails(BaseModel):
    """An agent's rules, in the order in which they are asked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: list[Rule] = Field(default_factory=list, max_length=_MOST_RULES)
    output: list[Rule] = Field(default_factory=list, max_length=_MOST_RULES)


def guardrails_of(document: Document) -> Any:
    """Return the member as it was read; None where the document has none."""
    return (document.model_extra or {}).get(MEMBER)


def guardrail_findings(document: Document) -> Iterator[Finding]:
    """Warn of guardrails that cannot be used: the agent runs its endpoints, but does not talk."""
    source = guardrails_of(document)
    if source is None:
        return
    try:
        Guardrails.model_validate(source)
    except ValidationError as error:
        told = (
            f"The guardrails cannot be used ({faults(error)}). "
            "The agent refuses to talk until they are mended: PATCH the agent's guardrails."
        )
        yield Finding("warning", "guardrails_unusable", told, MEMBER)


def faults(error: ValidationError) -> str:
    """Say in a line what is wrong with guardrails, without repeating them."""
    found = [f"{'.'.join(map(str, fault['loc'])) or MEMBER}: {fault['msg']}" for fault in error.errors()[:3]]
    more = error.error_count() - len(found)
    return "; ".join(found) + (f"; and {more} more" if more else "")
