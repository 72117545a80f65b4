"""Where alerts leave the stack by AWS: mail by SES, events by EventBridge."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from smyth.aws.clients import data_config, make_client
from smyth.connectors.notifications.webhook import NotDelivered

_TIMEOUT_S = 8


class SesMailer:
    """A :class:`~smyth.platform.alert_delivery.Mailer` of SES."""

    def __init__(self, sender: str) -> None:
        self._sender = sender

    @cached_property
    def _client(self) -> Any:
        return make_client("sesv2", data_config(_TIMEOUT_S))

    def send(self, to: tuple[str, ...], subject: str, text: str) -> None:
        """See :meth:`smyth.platform.alert_delivery.Mailer.send`."""
        from botocore.exceptions import BotoCoreError, ClientError

        content = {"Simple": {"Subject": {"Data": subject}, "Body": {"Text": {"Data": text}}}}
        try:
            self._client.send_email(
                FromEmailAddress=self._sender, Destination={"ToAddresses": list(to)}, Content=content
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            raise NotDelivered(f"SES did not take the mail ({code}). The operator checks the sender.") from error
        except BotoCoreError as error:
            raise NotDelivered("SES cannot be reached. It is tried again.") from error


class EventBridgeBus:
    """An :class:`~smyth.platform.alert_delivery.EventBus` of EventBridge."""

    def __init__(self, name: str) -> None:
        self._name = name

    @cached_property
    def _client(self) -> Any:
        return make_client("events", data_config(_TIMEOUT_S))

    def put(self, kind: str, detail: str) -> None:
        """See :meth:`smyth.platform.alert_delivery.EventBus.put`."""
        from botocore.exceptions import BotoCoreError, ClientError

        entry = {"Source": "smyth", "DetailType": kind, "Detail": detail, "EventBusName": self._name}
        try:
            answer = self._client.put_events(Entries=[entry])
        except (BotoCoreError, ClientError) as error:
            raise NotDelivered("EventBridge did not take the event. It is tried again.") from error
        if answer["FailedEntryCount"]:
            code = answer["Entries"][0].get("ErrorCode", "unknown")
            raise NotDelivered(f"EventBridge did not take the event ({code}). It is tried again.")
