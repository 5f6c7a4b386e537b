"""The components that produce a room's stream, and their health."""
