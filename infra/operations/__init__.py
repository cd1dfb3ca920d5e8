"""Operator commands for images: replay, release, delete, reap, audit, dead letters, restore.

They change no record: they publish requests and reports, and ``store`` decides.
"""
