"""Thumbnails of live rooms, taken from their streams."""
