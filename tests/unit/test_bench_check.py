"""The rows of `make bench`: the parser of wrk's output, and the check for regressions."""

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


def module_fixture(name):
    @pytest.fixture(scope="module", name=name)
    def module(script):
        return script(f"speed.{name}")

    return module


load, rows, check, table = map(module_fixture, ("load", "rows", "check", "table"))


@pytest.fixture(scope="module")
def committed(root):
    return json.loads((root / "benchmarks/results.json").read_text())


class TestWrk:
    def test_output_is_parsed(self, load):
        assert load.parse_wrk_output(WRK) == load.LoadResult(responses=11444, rate=5722.13)

    def test_errors_are_counted(self, load):
        output = WRK.replace(
            "Requests/sec",
            "  Socket errors: connect 1, read 2, write 0, timeout 4\n"
            "  Non-2xx or 3xx responses: 17\nRequests/sec",
        )

        result = load.parse_wrk_output(output)

        assert (result.error_statuses, result.socket_errors) == (17, 7)

    def test_invalid_output_is_shown_in_the_error(self, load):
        with pytest.raises(load.LoadError, match="unable to connect"):
            load.parse_wrk_output("unable to connect to 127.0.0.1:1 Connection refused\n")

    def test_script_sends_each_call_with_the_number_of_the_turn(self, load):
        calls = [
            load.HttpCall(path="/a"),
            load.HttpCall(method="POST", path="/b", body='{"played": {turn}0000}'),
        ]

        script = load.build_script(calls, first=7)

        assert 'method = "GET", path = "/a", headers = {}}' in script
        assert r'body = "{\"played\": {turn}0000}", turns = true' in script
        assert "local count, first = 0, 7" in script


class TestRows:
    def test_prefix_selects_all_matching_rows(self, rows):
        assert rows.select_rows("nginx-room,room") == ["room", "nginx-room", "nginx-room-gzip"]

    def test_error_for_an_unknown_row_lists_the_rows(self, rows):
        with pytest.raises(ValueError, match="no row is called 'rom'; allowed: room, index"):
            rows.select_rows("rom")

    def test_ratio_is_of_medians_and_spread_is_of_rounds(self, rows):
        result = rows.RowResult(ours=[80.0, 90.0, 300.0], other=[100.0, 100.0, 100.0])

        summary = result.summary(rows.ROWS["room"])

        assert (summary["ratio"], summary["spread"], summary["reached"]) == (0.9, [0.8, 3.0], True)

    def test_memory_has_an_upper_and_speed_a_lower_limit(self, rows):
        pages, memory = rows.ROWS["room"], rows.ROWS["memory-tracker"]

        assert [pages.is_reached(0.89), pages.is_reached(0.9)] == [False, True]
        assert [memory.is_reached(1.05), memory.is_reached(1.06)] == [True, False]


class TestCheck:
    PAGE = {"ratio": 0.9, "better": "more"}
    MEMORY = {"ratio": 1.0, "better": "less"}

    def test_small_changes_are_ignored(self, check):
        before = {"room": self.PAGE, "memory": self.MEMORY}
        now = {"room": self.PAGE | {"ratio": 0.81}, "memory": self.MEMORY | {"ratio": 1.1}}

        assert check.find_regressions(now, before) == []

    def test_lower_rates_and_more_memory_are_regressions(self, check):
        before = {"room": self.PAGE, "memory": self.MEMORY}
        now = {"room": self.PAGE | {"ratio": 0.75}, "memory": self.MEMORY | {"ratio": 1.2}}

        assert check.find_regressions(now, before) == [
            "room: 0.900 before, 0.750 now: 20% worse (more is better)",
            "memory: 1.000 before, 1.200 now: 20% worse (less is better)",
        ]

    def test_higher_rates_and_less_memory_are_no_regressions(self, check):
        before = {"room": self.PAGE, "memory": self.MEMORY}
        now = {"room": self.PAGE | {"ratio": 2.0}, "memory": self.MEMORY | {"ratio": 0.5}}

        assert check.find_regressions(now, before) == []

    def test_rows_on_one_side_only_are_reported(self, check):
        assert check.find_regressions({"memory": self.MEMORY}, {"room": self.PAGE}) == [
            "room: not measured; it was 0.900",
            "memory: new, at 1.000; no committed ratio",
        ]

    def test_command_reports_regressions_and_fails(
        self, script, committed, tmp_path, monkeypatch, capsys
    ):
        slower = copy.deepcopy(committed)
        slower["rows"]["room"]["ratio"] /= 2
        files = {name: tmp_path / name for name in ("before.json", "now.json")}
        for file, results in zip(files.values(), (committed, slower), strict=True):
            file.write_text(json.dumps(results))
        arguments = ["bench_check.py", "--results", str(files["now.json"])]
        monkeypatch.setattr(sys, "argv", [*arguments, "--against", str(files["before.json"])])

        status = script("bench_check").main()

        assert (status, capsys.readouterr().out.split(":")[0]) == (1, "room")


class TestCommitted:
    def test_results_contain_all_rows_with_both_sides_and_spread(self, committed, rows):
        assert list(committed["rows"]) == list(rows.ROWS)
        for name, row in committed["rows"].items():
            minimum, maximum = row["spread"]
            assert 0 < minimum <= maximum, name
            assert row["rounds"] == 1 if name.startswith("memory") else row["rounds"] >= 3, name
            for side in ("ours", "other"):
                assert 0 < row[side]["least"] <= row[side]["median"] <= row[side]["most"], name
            assert row["reached"] == rows.ROWS[name].is_reached(row["ratio"]), name

    def test_results_contain_machine_and_versions(self, committed):
        assert committed["machine"]["cores"] >= 1
        assert all(committed["machine"].values())
        assert {"python", "pyramid", "waitress", "sqlalchemy", "nginx", "wrk", "postgresql",
                "sqlite"} <= set(committed["versions"])  # fmt: skip
        assert not {"unknown", "not installed"} & set(committed["versions"].values())

    def test_docs_contain_the_committed_results(self, root, committed, table):
        text = (root / "docs/explanation/performance.md").read_text()

        assert table.update_document(text, committed) == text, "run make bench"
