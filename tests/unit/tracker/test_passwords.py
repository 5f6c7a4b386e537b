"""Password hashing: guessing from a stolen database must be expensive."""

import argon2
import pytest

from streaming_system.tracker.crew import passwords


def test_hash_parameters_are_those_of_the_rfc():
    parameters = argon2.extract_parameters(passwords.hash_password("correct horse"))

    assert parameters == argon2.profiles.RFC_9106_LOW_MEMORY
    assert passwords.verify(passwords.hash_password("correct horse"), "correct horse")


EVENT = ("ada", "linux.conf.au 2026")


@pytest.mark.parametrize(
    "password",
    [
        "password",
        "12345678",
        "Password1!",
        "P@ssw0rd2026",
        "qwertyuiop",
        "letmein2026",
        "iloveyou!!",
        "passwort123",
        "motdepasse",
        "aaaaaaaaaaaaaaaa",
        "abcdefgh1",
        "conference2026",
        # The names of the account and of the event.
        "ada-ada-ada",
        "Ada12345678",
        "linuxconfau2026",
        "Linux.Conf.Au-2026!",
        "2026linuxada",
        "",
        " " * 12,
    ],
)
def test_guessable_password_is_recognised(password):
    assert passwords.is_guessable(password, EVENT)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse",
        "tr0ub4dor",
        "x7Gq2mPz",
        "correct horse of ada",
        "ada x7Gq2mPz",
        "\u043a\u043e\u043d\u044c \u0431\u0430\u0442\u0430\u0440\u0435\u044f",
        "caf\udce9 au lait",
        "correct horse " * 70,
    ],
)
def test_unusual_password_is_accepted(password):
    assert not passwords.is_guessable(password, EVENT)


def test_names_of_one_account_do_not_weaken_the_passwords_of_others():
    assert passwords.is_guessable("grace hopper", ("grace", "hopper"))
    assert not passwords.is_guessable("grace hopper stack", ("ada",))
