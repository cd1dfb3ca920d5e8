"""Reference documents generated from the contracts."""
