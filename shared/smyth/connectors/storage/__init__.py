"""Objects of tenants: the port and its adapter on a local folder; the one on S3 lies in ``smyth.aws.storage``."""
