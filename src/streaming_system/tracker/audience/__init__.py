"""Viewers: how many, since when, and how well they see."""
