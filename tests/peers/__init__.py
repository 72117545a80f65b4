"""Faithful local stand-ins for services that tests speak to over a real socket."""
