"""The JSON API, as programs see it."""
