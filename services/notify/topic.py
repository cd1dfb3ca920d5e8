"""The topic that people and systems subscribe to."""

import json
from typing import Any, Protocol

from services.notify.logic import Words
from shared.aws import aws_errors
from shared.errors import Fault


class Notifications(Protocol):
    def send(self, words: Words) -> None:
        """Tell every subscriber, each in the words of its protocol. Every call is heard."""
        ...


class SnsNotifications:
    def __init__(self, client: Any, topic: str) -> None:
        self._client = client
        self._topic = topic

    def send(self, words: Words) -> None:
        versions = {"default": words.data, "email": words.email, "sms": words.sms}
        refused = ("refused-by-sns", Fault.INTERNAL)
        with aws_errors("the notifications topic", InvalidParameter=refused):
            self._client.publish(
                TopicArn=self._topic,
                Subject=words.subject,
                Message=json.dumps(
                    versions, ensure_ascii=False
                ),  # \uXXXX would take thrice the room
                MessageStructure="json",
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value}
                    for name, value in words.attributes.items()
                },
            )
