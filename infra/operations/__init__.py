"""What an operator does to images: replay, release, delete, reap, audit, look after dead letters.

Nothing here decides anything: it asks ``store``, or reports to it, like everybody else.
"""
