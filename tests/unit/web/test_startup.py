"""What holds while an app is made ends with it."""

import gc

import pytest

from streaming_system.web.startup import nothing_is_garbage


def test_garbage_is_looked_for_again_once_the_app_is_made_or_has_failed():
    with nothing_is_garbage():
        assert not gc.isenabled()
    assert gc.isenabled()

    with pytest.raises(SystemExit), nothing_is_garbage():
        raise SystemExit("a mistake in the configuration")
    assert gc.isenabled()
