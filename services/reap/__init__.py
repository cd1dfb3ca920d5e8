"""Finds what nobody will ever finish, and reports it."""
