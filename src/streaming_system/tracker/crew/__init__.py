"""Accounts, logins and tokens of the crew, and what they do."""
