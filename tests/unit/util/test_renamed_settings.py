"""Old names of ini keys."""

from streaming_system.util.renamed_settings import RENAMED_SETTINGS, find_renamed_setting


def test_old_name_is_refused_with_new_name():
    for old, new in RENAMED_SETTINGS.items():
        assert (
            find_renamed_setting({old: "1"}) == f"{old} in the ini file has a new name: use {new}"
        )


def test_new_names_are_accepted():
    assert find_renamed_setting(dict.fromkeys(RENAMED_SETTINGS.values(), "1")) is None
