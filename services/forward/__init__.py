"""Forwards every outcome to EventBridge, for consumers that prefer rules to subscriptions."""
