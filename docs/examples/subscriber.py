"""A subscriber of your own: receive a notification for every failed image and print the reason.

    python docs/examples/subscriber.py NOTIFICATIONS_TOPIC_ARN

Credentials, region and, for an emulator, AWS_ENDPOINT_URL come from the environment.
"""

import json
import sys

import boto3


def main(topic: str) -> None:
    sqs, sns = boto3.client("sqs"), boto3.client("sns")
    queue = sqs.create_queue(QueueName="my-failed-images")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    arn = arn["Attributes"]["QueueArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    attributes = {"RawMessageDelivery": "true", "FilterPolicy": '{"status": ["failed"]}'}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes)
    seen: set[str] = set()  # a notification that is delivered twice has the same id both times
    while True:
        response = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20, MaxNumberOfMessages=10)
        for message in response.get("Messages", []):
            notification = json.loads(message["Body"])
            if notification["id"] not in seen:
                print(notification["source"]["key"], notification["failure"]["reason"], flush=True)
            seen.add(notification["id"])
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])


if __name__ == "__main__":
    main(*sys.argv[1:])
