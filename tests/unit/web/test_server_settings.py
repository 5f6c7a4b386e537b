"""The keys of a server section, and the command line of pserve."""

import pytest

from streaming_system.web import pserve
from streaming_system.web.server_settings import check_server_settings


@pytest.mark.parametrize(
    ("settings", "key", "problem"),
    [
        ({"threads": "many"}, "threads", "is 'many'; allowed: a whole number, 1 to "),
        ({"threads": "-1"}, "threads", "is '-1'; allowed: a whole number, 1 to "),
        ({"threads": "8.5"}, "threads", "is '8.5'; allowed: a whole number, 1 to "),
        ({"connection_limit": ""}, "connection_limit", "is ''; allowed: a whole number, 1 to "),
        ({"max_request_body_size": "4M"}, "max_request_body_size", "is '4M'; allowed: a whole "),
        ({"port": "80000"}, "port", "is '80000'; allowed: a whole number, 0 to 65535"),
        ({"listen": "127.0.0.1:http"}, "listen", "is '127.0.0.1:http'; allowed: HOST:PORT, such"),
        ({"listen": "127.0.0.1:1 [::1]:x"}, "listen", "is '[::1]:x'; allowed: HOST:PORT, such"),
        ({"asyncore_use_poll": "maybe"}, "asyncore_use_poll", "is 'maybe'; allowed: true or false"),
        ({"queue_timeout": "5s"}, "queue_timeout", "is '5s'; allowed: seconds, 0 to 3600"),
        ({"drain_seconds": "nan"}, "drain_seconds", "is 'nan'; allowed: seconds, 0 to 3600"),
        ({"tread": "8"}, "tread", "is no key of a server; did you mean 'threads'? "),
        ({"trusted_proxy_headers": "forwarded"}, "", "trusted_proxy_headers has no meaning"),
        ({"listen": "a.invalid:80"}, "", "Invalid host/port specified."),
    ],
)
def test_invalid_server_setting_is_one_line(settings, key, problem):
    problems = check_server_settings(settings)

    assert list(problems) == [key]
    assert problems[key].startswith(problem)
    assert "\n" not in problems[key]


def test_all_invalid_server_settings_are_found():
    settings = {"threads": "x", "listen": "127.0.0.1:x", "queue_timeout": "x", "use": "egg:x"}

    assert list(check_server_settings(settings)) == ["threads", "listen", "queue_timeout"]


def test_servers_of_our_own_ini_files_are_valid():
    settings = {
        "use": "egg:streaming-system#server",
        "listen": "127.0.0.1:8000 [::1]:8000",
        "threads": "8",
        "queue_timeout": "3",
        "asyncore_use_poll": "true",
        "trusted_proxy": "127.0.0.1",
        "trusted_proxy_headers": "x-forwarded-for x-forwarded-proto",
    }

    assert check_server_settings(settings) == {}


INI = """
[app:frontend]
use = egg:streaming-system#frontend

[composite:main]
use = egg:rutter#urlmap
/ = frontend

[server:main]
use = egg:streaming-system#server
listen = 127.0.0.1:8000

[server:worker]
use = main
listen = 127.0.0.1:%(port)s
"""


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["none.ini"], "{folder}/none.ini: there is no such file; name the ini file"),
        (["site.ini#frontent"], "{folder}/site.ini: has no section [app:frontent]; did you mean "
                                "'frontend'? allowed: frontend, main"),
        (["site.ini", "--app-name", "x"], "{folder}/site.ini: has no section [app:x]; allowed: "
                                          "frontend, main"),
        (["site.ini#frontend"], "{folder}/site.ini: has no section [server:frontend]; allowed: "
                                "main, worker"),
        (["site.ini", "--server-name", "workers"], "{folder}/site.ini: has no section "
                                                   "[server:workers]; did you mean 'worker'? "
                                                   "allowed: main, worker"),
        (["site.ini", "--server-name", "worker"], "{folder}/site.ini: [server:worker]: key "
                                                  "'listen' refers to %(port)s; set it there or in "
                                                  "the command: port=VALUE"),
        (["broken.ini"], "{folder}/broken.ini: "),
        (["."], "{folder}/.: "),
    ],
)  # fmt: skip
def test_wrong_command_line_of_pserve_is_one_line(tmp_path, capsys, arguments, line):
    (tmp_path / "site.ini").write_text(INI)
    (tmp_path / "broken.ini").write_text("[app:main]\nuse\n")

    status = pserve.main(["pserve", f"{tmp_path}/{arguments[0]}", *arguments[1:]])

    captured = capsys.readouterr()
    assert (status, captured.out, captured.err.count("\n")) == (1, "", 1)
    assert captured.err.startswith(line.format(folder=tmp_path))


def test_right_command_line_of_pserve_has_no_problem(tmp_path):
    (tmp_path / "site.ini").write_text(INI)

    def problem(*words):
        return pserve.find_problem(["pserve", *words])

    assert problem(f"{tmp_path}/site.ini") == ""
    assert problem("--server-name", "worker", f"{tmp_path}/site.ini#main", "port=8101") == ""
    assert problem("-n", "frontend", "--server-name", "main", f"{tmp_path}/site.ini") == ""
