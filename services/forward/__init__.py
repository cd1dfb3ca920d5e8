"""Hands every verdict on to EventBridge, for those who want rules instead of subscriptions."""
