"""Writes the reports of players and endpoints to the database."""
