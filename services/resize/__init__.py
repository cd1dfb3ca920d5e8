"""Checks an upload and makes its renditions."""
