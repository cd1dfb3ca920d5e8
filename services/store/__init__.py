"""Keeps the one record of each image and decides how it ended."""
