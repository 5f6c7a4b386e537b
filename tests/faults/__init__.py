"""Fault injection: the behaviour of the whole site while a part of it fails."""
