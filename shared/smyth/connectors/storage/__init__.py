"""Files of tenants: the port; its adapter on S3 lies in ``smyth.aws.files``."""
