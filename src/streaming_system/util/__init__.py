"""Helpers that know nothing of conferences, HTTP or plugins."""
