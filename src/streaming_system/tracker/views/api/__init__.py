"""The views of the JSON API, one for each operation in ``api/operations.py``."""
