"""Stores the one record of each image and decides how each run ends."""
