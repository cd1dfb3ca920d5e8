"""The CloudFormation template of a stage."""
