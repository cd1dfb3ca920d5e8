"""Stores dead letters and reports the runs that they belong to."""
