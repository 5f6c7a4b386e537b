"""The built-in source types; each module is a plugin."""
