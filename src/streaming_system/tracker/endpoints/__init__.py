"""Streaming servers: which there are, what they serve, and who is sent where."""
