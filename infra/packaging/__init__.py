"""The zips of the Lambda functions."""
