"""The one policy that the local tooling writes: a topic may send to a queue."""


def from_topic(topic: str, queue: str) -> dict[str, object]:
    """A queue policy that lets this topic, and nobody else, send to the queue; both are ARNs."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": queue,
                "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
            }
        ],
    }
