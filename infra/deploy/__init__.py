"""Deploy a stage and take it down."""
