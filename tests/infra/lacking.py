"""In what the stack of customer demo must be another to run on the emulator, setting by setting; all else is as in AWS.

The emulator refuses none of demo's resources. What it lacks for every stack is bridged in ``smyth.local.gaps``.
"""

from __future__ import annotations

from typing import Any

from infra.customer import Customer, load

#: The setting, its value on the emulator, and why.
LACKING: dict[str, tuple[Any, str]] = {
    "account": ("000000000000", "the emulator has one account"),
    "region": ("us-east-1", "its functions run in one region"),
    "architecture": ("x86_64", "functions run on this machine"),
    "layer": ("source", "they run on this interpreter, for which the layers' libraries are not made"),
    "api_key_source": ("HEADER", "the authorizer's usage identifier is ignored (local/gaps/usage_identifier.py)"),
    "streaming": ("front", "answers are not streamed (local/gaps/response_streaming.py)"),
    "gateway_responses": ("resources", "those of the OpenAPI document are not read"),
    "allow_private_http": (True, "the models and servers of the tour are on this machine"),
    "environment": ({"SMYTH_TRUST_FORWARDED_HOST": "1"}, "links to files lead to the front"),
}


def demo_customer(*, keep: bool) -> Customer:
    """Customer demo as the emulator can run it.

    Args:
        keep: Whether its data are protected, as those of real customers are.
    """
    said = load("demo").model_dump() | {setting: value for setting, (value, _) in LACKING.items()}
    return Customer.model_validate(said | {"data": said["data"] | {"keep": keep}})
