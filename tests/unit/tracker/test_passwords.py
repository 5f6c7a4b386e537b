"""Password hashing: guessing from a stolen database must be expensive."""

import argon2

from streaming_system.tracker.crew import passwords


def test_hash_parameters_are_those_of_the_rfc():
    parameters = argon2.extract_parameters(passwords.hash_password("correct horse"))

    assert parameters == argon2.profiles.RFC_9106_LOW_MEMORY
    assert passwords.verify(passwords.hash_password("correct horse"), "correct horse")
