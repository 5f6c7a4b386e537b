"""Loads plugins and calls their hooks. Plugins import :mod:`streaming_system.plugin` only."""
