"""What is deployed, how, and the local environment. Run it: ``python -m infra --help``."""
