"""The kit for authors of parser plugins: a working start, and a check of what they made of it."""
