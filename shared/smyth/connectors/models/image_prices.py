"""What an image costs, by LiteLLM's bundled price table."""

from __future__ import annotations

from dataclasses import dataclass

from smyth.connectors.models.litellm_calls import litellm

#: OpenAI's prices of an image in micro-USD, which the table lacks.
_DALL_E = {
    ("dall-e-3", "standard", "1024x1024"): 40_000,
    ("dall-e-3", "standard", "1792x1024"): 80_000,
    ("dall-e-3", "standard", "1024x1792"): 80_000,
    ("dall-e-3", "hd", "1024x1024"): 80_000,
    ("dall-e-3", "hd", "1792x1024"): 120_000,
    ("dall-e-3", "hd", "1024x1792"): 120_000,
    ("dall-e-2", "standard", "256x256"): 16_000,
    ("dall-e-2", "standard", "512x512"): 18_000,
    ("dall-e-2", "standard", "1024x1024"): 20_000,
}
#: The most tokens of OpenAI's largest picture by quality; where the model chooses, it may choose the best.
_MOST_TOKENS = {"low": 500, "medium": 1_700}
_BEST_TOKENS = 6_300
#: Google's largest has 2,000, and some words go with it.
_GOOGLE_TOKENS = 3_000
#: Of one that is read.
_READ_TOKENS = 7_000
#: Runware tells a price only afterwards; its dearest models take less.
_UNTOLD = 150_000


@dataclass(frozen=True, slots=True)
class ImageTokens:
    """What a provider counted for one request; zeros where it counts images, not tokens."""

    text: int = 0
    image: int = 0
    output: int = 0


def image_cost_micro_usd(model: str, *, size: str, quality: str, tokens: ImageTokens) -> int:
    """Return the price of one image in micro-USD; 0 for models that the table does not list.

    Loads LiteLLM, so call it in a thread.
    """
    if (model, quality, size) in _DALL_E:
        return _DALL_E[model, quality, size]
    table = litellm().model_cost
    entry = table.get(f"gemini/{model}") or table.get(model) or {}
    per_token = entry.get("output_cost_per_image_token")
    if per_token and tokens.output:
        per_text = entry.get("input_cost_per_token", 0)
        per_image = entry.get("input_cost_per_image_token", per_text)
        return _micro(tokens.text * per_text + tokens.image * per_image + tokens.output * per_token)
    if "output_cost_per_image" in entry:
        return _micro(entry["output_cost_per_image"])
    listed = table.get(f"{quality}/{size.replace('x', '-x-')}/{model}") or {}
    return _micro(listed.get("input_cost_per_image", 0))


def most_micro_usd(model: str, *, prompt: str, read: int, size: str, quality: str) -> int:
    """Return the most that an image can cost, before it is made; ``read`` pictures go along with the prompt.

    Loads LiteLLM, so call it in a thread.
    """
    if ":" in model or model.startswith("flux"):
        return _UNTOLD
    made = _GOOGLE_TOKENS if model.startswith("gemini") else _MOST_TOKENS.get(quality, _BEST_TOKENS)
    most = ImageTokens(len(prompt.encode()), read * _READ_TOKENS, made)
    return image_cost_micro_usd(model, size=size, quality=quality, tokens=most)


def _micro(dollars: float) -> int:
    return round(dollars * 1_000_000)
