"""What callers of prompt, chat and stream ask for."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from smyth.conversation import ModelOptions
from smyth.http.attachments import GivenFiles
from smyth.http.readable import Instructions, MessageText, ModelObject, Variables, without_control
from smyth.platform.conversations import ID_PATTERN, USER_PATTERN

_MOST_TOOL_CALLS = 1_000

ConversationId = Annotated[str, Field(pattern=ID_PATTERN)]
SessionId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,128}$")]
UserId = Annotated[str, Field(pattern=USER_PATTERN)]
ModelName = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(without_control)]
Stop = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(without_control)]


class JsonSchema(BaseModel):
    """A schema that the answer keeps to, in OpenAI's shape."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    description: str | None = Field(default=None, max_length=1_000)
    schema_: dict[str, Any] = Field(alias="schema", max_length=100)
    strict: bool | None = None


class JsonSchemaFormat(BaseModel):
    """Asks for an answer that keeps to a schema."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["json_schema"]
    json_schema: JsonSchema


class Ask(BaseModel):
    """The body of ``POST .../prompt``."""

    model_config = ConfigDict(extra="forbid")

    message: MessageText = Field(description="What the user says.")
    files: GivenFiles = Field(
        default_factory=list, description="Files for the model and the skills: addresses, keys of uploads, or data."
    )
    model: ModelName | ModelObject | None = Field(
        default=None, description="Over the agent's own: a name, or {provider, model, base_url, credential}."
    )
    instructions: Instructions = Field(
        default="", description="Added below the agent's own instructions, and marked as yours; they lift none of them."
    )
    session: SessionId | None = Field(default=None, description="Ties together what skills remember.")
    variables: Variables = Field(default_factory=dict, description="Agent variables for this request.")
    temperature: float | None = Field(default=None, ge=0, le=2, description="Randomness. Not set: the model's default.")
    top_p: float | None = Field(default=None, ge=0, le=1, description="Nucleus sampling.")
    max_tokens: int | None = Field(
        default=None, ge=1, le=1_000_000, description="Longest reply of the model, in tokens; capped by what it gives."
    )
    stop: Stop | Annotated[list[Stop], Field(max_length=4)] | None = Field(
        default=None, description="Texts that end the answer."
    )
    seed: int | None = Field(
        default=None, ge=-(2**63), lt=2**63, description="The same seed asks for the same answer, where models know it."
    )
    response_format: Literal["text", "json"] | JsonSchemaFormat | None = Field(
        default=None, description='"json" asks for a JSON object; or a JSON schema as OpenAI\'s API takes it.'
    )
    reasoning_effort: Literal["minimal", "low", "medium", "high"] | None = Field(
        default=None, description="How hard the model thinks first, where it does."
    )
    max_tool_calls: int | None = Field(
        default=None, ge=0, le=_MOST_TOOL_CALLS, description="How many skills may be called before the model answers."
    )

    def options(self) -> ModelOptions:
        """Return how the model shall answer."""
        wanted = self.response_format
        return ModelOptions(
            temperature=self.temperature,
            top_p=self.top_p,
            max_tokens=self.max_tokens,
            stop=(self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ()),
            seed=self.seed,
            response_format=wanted.model_dump(by_alias=True, exclude_none=True)
            if isinstance(wanted, JsonSchemaFormat)
            else wanted,
            reasoning_effort=self.reasoning_effort,
        )


class ChatAsk(Ask):
    """The body of ``POST .../chat``."""

    conversation_id: ConversationId | None = Field(default=None, description="Leave out to begin a new conversation.")
    user: UserId | None = Field(default=None, description="Whose conversation it is, of your users.")


class ChatQuery(BaseModel):
    """The query of ``GET .../chat``."""

    model_config = ConfigDict(extra="forbid")

    message: MessageText | None = Field(default=None, description="Leave out to read what was said.")
    conversation_id: ConversationId | None = Field(default=None, description="Leave out to begin a new conversation.")
    model: ModelName | None = Field(default=None, description="Over the agent's own.")
    session: SessionId | None = Field(default=None, description="Ties together what skills remember.")
    user: UserId | None = Field(default=None, description="Whose conversation it is, of your users.")

    def as_ask(self, message: str) -> ChatAsk:
        """Return the same as a body."""
        members = self.model_dump(exclude={"message"}, exclude_none=True)
        return ChatAsk(message=message, **members)


class StreamAsk(ChatAsk):
    """The body of ``POST .../stream``."""

    chat: bool = Field(default=False, description="Begin a conversation; one that is named is remembered anyway.")

    @property
    def remembers(self) -> bool:
        """Whether the turn belongs to a conversation."""
        return self.chat or self.conversation_id is not None
