"""The views of the frontend."""
