"""Templates are compiled once, and never taken for what they are not any more."""

from pathlib import Path

import jinja2
import pytest
from click.testing import CliRunner

from streaming_system.cli import main
from streaming_system.web import template_cache


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where compiled templates are kept."""
    folder = tmp_path / "compiled"
    folder.mkdir()
    monkeypatch.setattr(
        template_cache.importlib.util, "cache_from_source", lambda _: folder / "one.pyc"
    )
    monkeypatch.setattr(template_cache.sys, "dont_write_bytecode", False)
    return folder


@pytest.fixture
def said(tmp_path):
    """Return a function that shows what a new process makes of a template."""

    def said(text, name="page.jinja2"):
        (tmp_path / "page.jinja2").write_text(text)
        loader = jinja2.FileSystemLoader(tmp_path)
        if name != "page.jinja2":
            loader = jinja2.PrefixLoader({"site": loader})
        environment = jinja2.Environment(
            loader=loader, bytecode_cache=template_cache.Compiled(), autoescape=True
        )
        environment.compile = compiling(environment.compile)
        return environment.get_template(name).render(who="<you>")

    def compiling(compile_it):
        def count(*args, **more):
            times.append(args)
            return compile_it(*args, **more)

        return count

    times = said.compiled = []
    return said


def test_the_second_process_compiles_nothing(folder, said):
    assert [said("Hello {{ who }}") for _ in range(2)] == ["Hello &lt;you&gt;"] * 2

    assert len(said.compiled) == len(list(folder.iterdir())) == 1


def test_whoever_refers_to_it_by_another_name_gets_the_same(folder, said):
    assert said("Hello {{ who }}") == said("Hello {{ who }}", "site/page.jinja2")

    assert len(said.compiled) == 1


def test_a_template_that_has_changed_is_compiled_anew(folder, said):
    said("Hello {{ who }}")

    assert said("Goodbye {{ who }}") == "Goodbye &lt;you&gt;"
    assert said("Goodbye {{ who }}") == "Goodbye &lt;you&gt;"
    assert len(said.compiled) == 2


def test_another_version_of_the_compiler_compiles_anew(folder, said, monkeypatch):
    said("Hello {{ who }}")
    monkeypatch.setattr(jinja2, "__version__", "4.0")

    said("Hello {{ who }}")

    assert len(said.compiled) == 2


def test_where_nothing_may_be_written_pages_are_shown_all_the_same(folder, said):
    folder.rmdir()

    assert said("Hello {{ who }}") == "Hello &lt;you&gt;"
    assert not folder.exists()


def test_who_tells_python_not_to_keep_what_it_compiles_means_templates_too(
    folder, said, monkeypatch
):
    monkeypatch.setattr(template_cache.sys, "dont_write_bytecode", True)

    said("Hello {{ who }}")

    assert list(folder.iterdir()) == []


def test_what_is_damaged_is_compiled_anew(folder, said):
    said("Hello {{ who }}")
    [kept] = folder.iterdir()
    kept.write_bytes(b"\0" * 100)

    assert said("Hello {{ who }}") == "Hello &lt;you&gt;"


def test_who_installs_the_program_compiles_all_pages(folder):
    folder.rmdir()

    done = CliRunner().invoke(main, ["compile"])

    assert done.output == f"{len(list(folder.iterdir()))} templates are compiled.\n"
    templates = list(Path(template_cache.__file__).parent.parent.glob("*/templates/**/*.jinja2"))
    assert len(list(folder.iterdir())) == len(templates) > 30
    # Somebody else serves the site.
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o644}


def test_who_may_not_write_there_learns_it_in_one_line(folder, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    place = tmp_path / "file/one.pyc"
    monkeypatch.setattr(template_cache.importlib.util, "cache_from_source", lambda _: place)

    done = CliRunner().invoke(main, ["compile"])

    assert done.exit_code == 1
    assert done.output.startswith("Error: compiled templates cannot be kept in ")
    assert done.output.endswith("; run this as the owner of the program\n")
    assert done.output.count("\n") == 1
