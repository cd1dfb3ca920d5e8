"""Stages, service definitions and retention, read from TOML files."""
