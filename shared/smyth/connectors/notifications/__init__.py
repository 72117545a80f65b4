"""Notifications to tenants: signed webhooks."""
