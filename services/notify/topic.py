"""The topic that people and systems subscribe to."""

import json
from typing import Any, Protocol

from services.notify.logic import Message
from shared.aws import aws_errors
from shared.errors import Fault


class Notifications(Protocol):
    def send(self, message: Message) -> None:
        """Deliver to every subscriber, in the format of its protocol. Each call delivers again."""
        ...


class SnsNotifications:
    def __init__(self, client: Any, topic: str) -> None:
        self._client = client
        self._topic = topic

    def send(self, message: Message) -> None:
        versions = {"default": message.data, "email": message.email, "sms": message.sms}
        refused = ("refused-by-sns", Fault.INTERNAL)
        with aws_errors("the notifications topic", InvalidParameter=refused):
            self._client.publish(
                TopicArn=self._topic,
                Subject=message.subject,
                Message=json.dumps(
                    versions, ensure_ascii=False
                ),  # \uXXXX would take three times the space
                MessageStructure="json",
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value}
                    for name, value in message.attributes.items()
                },
            )
