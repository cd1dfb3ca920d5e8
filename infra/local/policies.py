"""The resource policy of a queue that a topic sends to."""


def from_topic(topic: str, queue: str) -> dict[str, object]:
    """A queue policy that lets only this topic send to the queue; both are ARNs."""
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
