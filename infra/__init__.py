"""The stack of one customer as a CDK app. Nothing here is shipped to the functions."""
