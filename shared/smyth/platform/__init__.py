"""The product: tenants, plans, keys, agents, metering. Rules and ports; no AWS here."""
