"""Finds plugins and calls them; they themselves import :mod:`streaming_system.plugin`."""
