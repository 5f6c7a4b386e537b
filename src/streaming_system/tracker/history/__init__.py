"""Samples over time: rolled up, queried, and deleted when they are too old."""
