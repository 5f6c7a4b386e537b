"""Endpoints: what they serve, their load, and which viewers are assigned to them."""
