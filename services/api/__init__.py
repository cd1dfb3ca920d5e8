"""Answers HTTP: hands out uploads, shows results, and asks ``store`` for what people want."""
