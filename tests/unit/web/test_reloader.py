"""When changed files are loaded, and what stays in service meanwhile."""

import logging
import os
import threading

import pytest

from streaming_system.web.reloader import CHECK_INTERVAL, SETTLE_TIME, Reloader


class Site:
    """A value that is loaded from a file and a folder, and clocks that a test advances."""

    def __init__(self, folder):
        self.file, self.folder, self.trigger = (
            folder / "value.txt",
            folder / "parts",
            folder / "reload",
        )
        self.folder.mkdir()
        self.file.write_text("one")
        self.now, self.wall, self.loads = 100.0, 0.0, 0
        self.statuses = []
        self.reloader = Reloader(
            self.load,
            "value",
            trigger=self.trigger,
            describe=lambda old, new: f"{old} to {new}",
            on_check=lambda status, value: self.statuses.append((status.refusal, value)),
            clock=lambda: self.now,
            # Files change in the real time: by this clock they are new until a test says otherwise.
            wall_clock=lambda: self.wall,
        )

    def load(self, watch):
        self.loads += 1
        watch.add(self.file)
        watch.add_pattern(self.folder, "**/*.txt")
        text = self.file.read_text()
        if text.startswith("bad"):
            raise ValueError(f"{self.file.name} is\nbad")
        return text + "".join(sorted(path.read_text() for path in self.folder.rglob("[!.]*.txt")))

    def after(self, *seconds):
        """Return the value after some intervals without other requests."""
        for number in seconds:
            self.now += number
            value = self.reloader.current()
        return value


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


SETTLED = (CHECK_INTERVAL, SETTLE_TIME)


def test_unchanged_files_are_loaded_once(site):
    assert site.after(*[CHECK_INTERVAL] * 5) == "one"
    assert site.loads == 1


def test_changed_file_is_loaded_once_it_has_settled(site):
    site.file.write_text("two")

    assert site.after(CHECK_INTERVAL) == "one"
    assert site.after(SETTLE_TIME) == "two"
    assert site.reloader.status.refusal == ""


def test_file_that_is_still_being_written_is_not_loaded(site):
    for text in ("t", "tw", "two"):
        site.file.write_text(text)
        assert site.after(CHECK_INTERVAL if text == "t" else SETTLE_TIME) == "one"

    assert site.after(SETTLE_TIME) == "two"
    assert site.loads == 2


def test_new_and_deleted_files_of_a_folder_are_changes(site):
    (site.folder / "deep").mkdir()
    (site.folder / "deep" / "more.txt").write_text("!")
    (site.folder / ".draft.txt").write_text("?")
    assert site.after(*SETTLED) == "one!"

    (site.folder / "deep" / "more.txt").unlink()
    assert site.after(*SETTLED) == "one"


def test_touched_file_with_the_same_content_is_not_loaded(site):
    os.utime(site.file, (1, 1))

    assert site.after(*SETTLED, CHECK_INTERVAL) == "one"
    assert site.loads == 1


def test_idle_process_loads_an_old_change_before_its_first_response(site):
    site.file.write_text("two")
    site.wall = site.file.stat().st_ctime + 60

    assert site.after(600) == "two"


def test_missing_file_is_awaited_also_by_an_idle_process(site):
    """Some editors and tools delete a file before they write it again."""
    site.file.unlink()
    site.wall = 4e9

    assert site.after(600) == "one"
    site.file.write_text("two")
    assert site.after(*SETTLED) == "two"


def test_invalid_file_is_refused_with_one_line_and_the_old_value_stays(site, caplog):
    site.file.write_text("bad")

    assert site.after(*SETTLED, *[CHECK_INTERVAL] * 3) == "one"
    assert [record.getMessage() for record in caplog.records] == [
        "value.txt is bad; the value before stays in service"
    ]
    assert site.reloader.status.refusal == "value.txt is bad"
    assert site.statuses[-1] == ("value.txt is bad", "one")


def test_repaired_file_is_loaded(site, caplog):
    caplog.set_level(logging.INFO)
    site.file.write_text("bad")
    site.after(*SETTLED)
    site.file.write_text("two")

    assert site.after(*SETTLED) == "two"
    assert site.reloader.status.refusal == ""
    assert caplog.records[-1].getMessage() == "the value has changed: one to two"


def test_return_to_the_old_file_ends_the_refusal(site):
    site.file.write_text("bad")
    site.after(*SETTLED)
    site.file.write_text("one")

    assert site.after(*SETTLED) == "one"
    assert site.reloader.status.refusal == ""


def test_trigger_loads_a_change_at_once(site):
    site.file.write_text("two")
    site.trigger.touch()

    assert site.after(0.2) == "two"


def test_requests_get_the_old_value_while_another_one_loads(site):
    loading, may_end = threading.Event(), threading.Event()
    original = site.reloader._load

    def slow_load(watch):
        loading.set()
        assert may_end.wait(60)
        return original(watch)

    site.reloader._load = slow_load
    site.file.write_text("two")
    site.after(CHECK_INTERVAL)
    site.now += SETTLE_TIME
    thread = threading.Thread(target=site.reloader.current)
    thread.start()
    assert loading.wait(60)

    assert site.reloader.current() == "one"
    may_end.set()
    thread.join()
    assert site.reloader.current() == "two"


def test_first_load_of_an_invalid_file_fails(tmp_path):
    def load(watch):
        raise ValueError("bad")

    with pytest.raises(ValueError, match="bad"):
        Reloader(load, "value")
