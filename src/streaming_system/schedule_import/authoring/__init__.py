"""Tools for authors of parser plugins: a scaffold and conformance checks."""
