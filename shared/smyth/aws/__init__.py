"""Adapters on AWS: one module per kind of item. The only room that imports boto3."""
