"""Passwords are kept so that guessing them from a stolen database is dear."""

import argon2

from streaming_system.tracker.crew import passwords


def test_a_hash_is_as_dear_as_the_rfc_asks():
    kept = argon2.extract_parameters(passwords.hash_password("correct horse"))

    assert kept == argon2.profiles.RFC_9106_LOW_MEMORY
    assert passwords.verify(passwords.hash_password("correct horse"), "correct horse")
