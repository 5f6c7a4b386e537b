"""The protocols of the original system."""
