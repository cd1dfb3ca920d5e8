"""What an operator does to images: replay, delete, reap, audit, and look after dead letters.

Nothing here decides anything: it asks ``store``, or reports to it, like everybody else.
"""
