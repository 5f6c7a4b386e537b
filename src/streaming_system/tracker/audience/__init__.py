"""Viewers: how many there are, over time, and their quality of experience."""
