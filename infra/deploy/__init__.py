"""Deploy a stage and delete it."""
