"""Calls of the services behind trigger components: Meta's for WhatsApp, Google's for Gmail; each proved its own way."""

from __future__ import annotations

import asyncio
import hmac
import json
import re
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from smyth.connectors.identity.google import GooglePushTokens
from smyth.connectors.identity.jwks import IssuerUnreachable
from smyth.connectors.identity.tokens import TokenRefused
from smyth.platform.agents import Agents
from smyth.platform.component_triggers import component_trigger_id
from smyth.platform.deliveries import Deliveries
from smyth.platform.errors import Busy, Conflict, NotFound
from smyth.platform.ids import AGENT, is_id
from smyth.platform.trigger_records import ComponentRule, Trigger
from smyth.platform.triggers import Triggers
from smyth.platform.webhooks import BadSignature, hand_over

if TYPE_CHECKING:
    from smyth.connectors.vault.port import Vault
    from smyth.engine import Plan
    from smyth.engine.plan import Step

WHATS_APP, GMAIL = "WhatsAppTrigger", "GmailTrigger"
_KEY = re.compile(r"\{\{KEY\(([^()]*)\)\}\}")


class ComponentCalls:
    """The use cases of such calls."""

    def __init__(
        self,
        triggers: Triggers,
        agents: Agents,
        deliveries: Deliveries,
        *,
        vault: Callable[[str], Vault],
        google: GooglePushTokens,
    ) -> None:
        """Make the use cases.

        Args:
            triggers: One for each component that may be called.
            agents: Whose components these are.
            deliveries: Takes what was proved.
            vault: Returns a tenant's credentials.
            google: Checks Google's tokens.
        """
        self._triggers = triggers
        self._agents = agents
        self._deliveries = deliveries
        self._vault = vault
        self._google = google

    def find(self, agent_id: str, endpoint: str) -> tuple[Trigger, Plan, str]:
        """Return a component's trigger, its agent's plan, and the component's name.

        Raises:
            NotFound: Nobody made a trigger for it, or the agent has no such component any more.
        """
        named = is_id(AGENT, agent_id)
        trigger = self._triggers.find(component_trigger_id(agent_id, endpoint)) if named else None
        if trigger is None:
            raise NotFound(f'There is no trigger for the component "{endpoint}". POST /api/triggers makes one.')
        _, plan = self._agents.plan(trigger.tenant_id, agent_id)
        step = plan.triggers.get(endpoint)
        if step is None or step.kind is None:
            raise NotFound(f'The agent has no trigger component at "{endpoint}" any more.')
        return trigger, plan, step.kind.name

    async def receive(self, agent_id: str, endpoint: str, headers: Mapping[str, str], body: bytes) -> str:
        """Take a call; one that came before is taken again and starts nothing.

        Args:
            agent_id: From the address.
            endpoint: From the address.
            headers: By names in small letters.
            body: To the byte.

        Returns:
            The delivery's name.

        Raises:
            NotFound: There is no such trigger, or nobody calls its component over HTTP.
            BadSignature: It is not proved.
            Conflict: What proves it is not set, or the trigger is switched off.
            Busy: Google's keys cannot be had now.
        """
        trigger, plan, component = self.find(agent_id, endpoint)
        if component == WHATS_APP:
            name = await self._of_meta(trigger, plan, plan.triggers[endpoint], headers, body)
        elif component == GMAIL:
            name = await asyncio.to_thread(self._of_google, trigger, headers, body)
        else:
            raise NotFound(f'The component "{endpoint}" is started by the clock only.')
        hand_over(self._deliveries, trigger, name, body)
        return name

    async def _of_meta(self, trigger: Trigger, plan: Plan, step: Step, headers: Mapping[str, str], body: bytes) -> str:
        """Check Meta's signature: the HMAC-SHA256 of the body by the app's secret; return the body's digest."""
        secret = await self._filled(trigger, plan, getattr(step.settings, "client_secret", ""))
        if not secret:
            raise Conflict(
                "The component's client secret is not set, so nobody can prove to be Meta. Set it as {{KEY(name)}}."
            )
        given = headers.get("x-hub-signature-256", "").removeprefix("sha256=")
        if not hmac.compare_digest(given.encode(), hmac.new(secret.encode(), body, sha256).hexdigest().encode()):
            raise BadSignature("The header x-hub-signature-256 is not made with the app's secret.")
        return sha256(body).hexdigest()

    async def _filled(self, trigger: Trigger, plan: Plan, text: str) -> str:
        """Return a setting with its credential from the vault; empty where there is none."""
        named = _KEY.fullmatch(text.strip())
        if named is None:
            return text.strip()
        vault = self._vault(trigger.tenant_id).of_agent(trigger.agent_id)
        return await vault.get(plan.team_id, named[1].strip()) or ""

    def _of_google(self, trigger: Trigger, headers: Mapping[str, str], body: bytes) -> str:
        """Check the token of Pub/Sub's push; return the message's id."""
        push = trigger.rule.push if isinstance(trigger.rule, ComponentRule) else None
        if push is None:
            raise Conflict('The trigger\'s rule names no "push": the service account and the audience of Pub/Sub.')
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise BadSignature("The call bears no token of Google's. Let the subscription authenticate its pushes.")
        try:
            self._google.verify(token.strip(), audience=push.audience, service_account=push.service_account)
        except TokenRefused as refused:
            raise BadSignature(f"The token is not the subscription's ({refused.reason}).") from None
        except IssuerUnreachable:
            raise Busy("Google's keys cannot be had now. Pub/Sub tries again.", retry_after_s=10) from None
        name = _message_id(body)
        if not name:
            raise BadSignature("This is no message of Pub/Sub: it has no message.messageId.")
        return name


def _message_id(body: bytes) -> str:
    try:
        read: Any = json.loads(body)
        name = read["message"]["messageId"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return name if isinstance(name, str) and 0 < len(name) <= 200 else ""
