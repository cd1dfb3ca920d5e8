"""The HTTP API: presigned uploads, results and search, and requests to ``store``."""
