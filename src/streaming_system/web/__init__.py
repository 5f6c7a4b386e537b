"""Shared parts of both Pyramid apps, and the server that runs them."""
