"""Tells people and systems how an image ended."""
