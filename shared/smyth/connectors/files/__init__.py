"""Files of agents under ``smythfs://`` addresses: the port, and one file per adapter."""
