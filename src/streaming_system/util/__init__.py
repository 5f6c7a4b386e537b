"""Helpers without knowledge of conferences, plugins or this system's protocols."""
