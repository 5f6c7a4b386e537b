"""Accounts, logins and tokens of the crew, and their audit log."""
