"""The table of speeds: what wrk says is read right, and whatever got worse is named."""

import copy
import json
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


def part_of_speed(name):
    @pytest.fixture(scope="module", name=name)
    def part(script):
        return script(f"speed.{name}")

    return part


load, rows, check, table = map(part_of_speed, ("load", "rows", "check", "table"))


@pytest.fixture(scope="module")
def committed(root):
    return json.loads((root / "benchmarks/results.json").read_text())


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


class TestCheck:
    PAGE = {"ratio": 0.9, "better": "more"}
    MEMORY = {"ratio": 1.0, "better": "less"}

    def test_ratios_that_differ_by_a_tenth_are_no_news(self, check):
        before = {"room": self.PAGE, "memory": self.MEMORY}
        now = {"room": self.PAGE | {"ratio": 0.81}, "memory": self.MEMORY | {"ratio": 1.1}}

        assert check.worse(now, before) == []

    def test_fewer_answers_and_more_memory_are_worse(self, check):
        before = {"room": self.PAGE, "memory": self.MEMORY}
        now = {"room": self.PAGE | {"ratio": 0.75}, "memory": self.MEMORY | {"ratio": 1.2}}

        assert check.worse(now, before) == [
            "room: 0.900 before, 0.750 now: 20% worse (more is better)",
            "memory: 1.000 before, 1.200 now: 20% worse (less is better)",
        ]

    def test_more_answers_and_less_memory_are_not(self, check):
        before = {"room": self.PAGE, "memory": self.MEMORY}
        now = {"room": self.PAGE | {"ratio": 2.0}, "memory": self.MEMORY | {"ratio": 0.5}}

        assert check.worse(now, before) == []

    def test_rows_on_one_side_only_are_named(self, check):
        assert check.worse({"memory": self.MEMORY}, {"room": self.PAGE}) == [
            "room: was not measured; it was 0.900",
            "memory: is new, at 1.000; no ratio was committed",
        ]

    def test_the_command_names_what_got_worse_and_fails(
        self, script, committed, tmp_path, monkeypatch, capsys
    ):
        slower = copy.deepcopy(committed)
        slower["rows"]["room"]["ratio"] /= 2
        files = {name: tmp_path / name for name in ("before.json", "now.json")}
        for file, results in zip(files.values(), (committed, slower), strict=True):
            file.write_text(json.dumps(results))
        asked = ["bench_check.py", "--results", str(files["now.json"])]
        monkeypatch.setattr(sys, "argv", [*asked, "--against", str(files["before.json"])])

        status = script("bench_check").main()

        assert (status, capsys.readouterr().out.split(":")[0]) == (1, "room")


class TestCommitted:
    def test_all_rows_are_there_with_both_sides_and_their_spread(self, committed, rows):
        assert list(committed["rows"]) == list(rows.ROWS)
        for name, row in committed["rows"].items():
            least, most = row["spread"]
            assert 0 < least <= most, name
            assert row["rounds"] == 1 if name.startswith("memory") else row["rounds"] >= 3, name
            for side in ("ours", "other"):
                assert 0 < row[side]["least"] <= row[side]["median"] <= row[side]["most"], name
            assert row["reached"] == rows.ROWS[name].reached(row["ratio"]), name

    def test_the_machine_and_the_versions_are_said(self, committed):
        assert committed["machine"]["cores"] >= 1
        assert all(committed["machine"].values())
        assert {"python", "pyramid", "waitress", "sqlalchemy", "nginx", "wrk", "postgresql",
                "sqlite"} <= set(committed["versions"])  # fmt: skip
        assert not {"unknown", "not installed"} & set(committed["versions"].values())

    def test_the_docs_show_what_was_measured(self, root, committed, table):
        shown = (root / "docs/performance.md").read_text()

        assert table.written_into(shown, committed) == shown, "make bench renews it"
