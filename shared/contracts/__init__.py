"""What the services say to each other. Knows pydantic and the standard library, nothing else."""
