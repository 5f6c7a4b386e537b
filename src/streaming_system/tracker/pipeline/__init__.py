"""The components that make a room's stream, and how they are."""
