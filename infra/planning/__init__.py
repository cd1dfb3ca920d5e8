"""Capacity planning: time, settings and cost of a number of images, from counts and measurements.

- ``usage.json``: the AWS calls of one image, counted by ``python -m tests.lab.capacity.usage``
- ``measured.json``: how long its hops take, measured by ``python -m tests.lab.capacity.measure``
- ``quotas.toml``, ``assumptions.toml``: written by hand, dated;
  the prices are in ``infra/config/prices.toml``
"""
