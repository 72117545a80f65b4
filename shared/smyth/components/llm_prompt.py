"""LLMPrompt: the second name of PromptGenerator."""

from __future__ import annotations

from smyth.components.prompt_generator import PromptGenerator


class LLMPrompt(PromptGenerator):
    """Does what PromptGenerator does."""

    name = "LLMPrompt"
