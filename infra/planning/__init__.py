"""What so many images take: time, settings and dollars, from what was counted and measured.

- ``usage.json``: what one image asks of AWS, counted by ``python -m tests.lab.capacity.usage``
- ``measured.json``: how long its hops take, by ``python -m tests.lab.capacity.measure``
- ``quotas.toml``, ``assumptions.toml``: written by people, dated;
  the prices are in ``infra/config/prices.toml``
"""
