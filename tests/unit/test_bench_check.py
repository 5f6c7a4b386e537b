"""The table of speeds: what wrk says is read right, and whatever got worse is named."""

import sys

import pytest

WRK = """Running 2s test @ http://127.0.0.1:24242/room0
  1 threads and 8 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.40ms  300.12us   9.10ms   92.11%
    Req/Sec     5.72k   310.02     6.10k    75.00%
  11444 requests in 2.00s, 90.10MB read
Requests/sec:   5722.13
Transfer/sec:     45.05MB
"""


@pytest.fixture(scope="module", autouse=True)
def _benchmarks(root):
    """The package lies beside the benchmarks, and is no part of the program."""
    sys.path.insert(0, str(root / "benchmarks"))
    yield
    sys.path.remove(str(root / "benchmarks"))


@pytest.fixture(scope="module")
def load(_benchmarks):
    from speed import load

    return load


@pytest.fixture(scope="module")
def rows(_benchmarks):
    from speed import rows

    return rows


class TestWrk:
    def test_its_figures_are_read(self, load):
        assert load.read_load(WRK) == load.Load(answers=11444, rate=5722.13)

    def test_refusals_and_broken_connections_are_counted(self, load):
        trouble = WRK.replace(
            "Requests/sec",
            "  Socket errors: connect 1, read 2, write 0, timeout 4\n"
            "  Non-2xx or 3xx responses: 17\nRequests/sec",
        )

        found = load.read_load(trouble)

        assert (found.refused, found.broken) == (17, 7)

    def test_whatever_else_it_says_is_shown(self, load):
        with pytest.raises(load.LoadError, match="unable to connect"):
            load.read_load("unable to connect to 127.0.0.1:1 Connection refused\n")

    def test_a_script_sends_each_call_and_says_the_turn(self, load):
        calls = [
            load.Call(path="/a"),
            load.Call(method="POST", path="/b", body='{"played": {turn}0000}'),
        ]

        said = load.script(calls, first=7)

        assert 'method = "GET", path = "/a", headers = {}}' in said
        assert r'body = "{\"played\": {turn}0000}", turns = true' in said
        assert "local count, first = 0, 7" in said


class TestRows:
    def test_a_word_chooses_all_rows_that_begin_with_it(self, rows):
        assert rows.chosen("nginx-room,room") == ["room", "nginx-room", "nginx-room-gzip"]

    def test_a_word_that_is_no_row_is_an_error_which_names_the_rows(self, rows):
        with pytest.raises(ValueError, match="no row is called 'rom'; there are: room, index"):
            rows.chosen("rom")

    def test_the_ratio_is_that_of_medians_and_the_spread_that_of_rounds(self, rows):
        found = rows.Found(ours=[80.0, 90.0, 300.0], other=[100.0, 100.0, 100.0])

        said = found.summary(rows.ROWS["room"])

        assert (said["ratio"], said["spread"], said["reached"]) == (0.9, [0.8, 3.0], True)

    def test_less_memory_is_better_and_fewer_answers_are_not(self, rows):
        pages, memory = rows.ROWS["room"], rows.ROWS["memory-tracker"]

        assert [pages.reached(0.89), pages.reached(0.9)] == [False, True]
        assert [memory.reached(1.05), memory.reached(1.06)] == [True, False]
