"""A subscriber of your own: a queue that hears of every image that failed, and prints why.

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
    wanted = {"RawMessageDelivery": "true", "FilterPolicy": '{"status": ["failed"]}'}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=wanted)
    seen: set[str] = set()  # a notification that comes twice has the same id both times
    while True:
        answer = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20, MaxNumberOfMessages=10)
        for message in answer.get("Messages", []):
            told = json.loads(message["Body"])
            if told["id"] not in seen:
                print(told["source"]["key"], told["failure"]["reason"], flush=True)
            seen.add(told["id"])
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])


if __name__ == "__main__":
    main(*sys.argv[1:])
