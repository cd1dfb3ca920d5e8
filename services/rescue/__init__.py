"""Keeps what landed on a dead-letter queue, and reports what was killed."""
