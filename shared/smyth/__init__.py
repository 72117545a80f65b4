"""The serverless home of AI agents."""
