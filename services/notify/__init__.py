"""Notifies people and systems of how an image ended."""
