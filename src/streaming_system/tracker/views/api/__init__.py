"""The views of the JSON API: each is an operation of the table in ``api/operations.py``."""
