"""Finds stuck runs and missed uploads, and reports them."""
