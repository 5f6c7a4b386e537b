"""Imports schedules: downloads, parses and validates feeds, and compiles the schedule file."""
