"""`streaming-system schedule formats`, `new-parser` and `check-plugin`: parsers of feeds."""

from pathlib import Path

import click

from streaming_system.cli.common import one_line_errors
from streaming_system.cli.feed_site import load_feed_site
from streaming_system.schedule_import.authoring.conformance import check_plugin
from streaming_system.schedule_import.authoring.scaffold import ScaffoldError, scaffold_parser
from streaming_system.schedule_import.parsers import load_parsers


@click.command()
@click.pass_obj
def formats(ini: Path) -> None:
    """List the feed formats and the origins of their parsers."""
    with one_line_errors():
        parsers = load_parsers(load_feed_site(ini).options.plugin_folder)
    width = max(len(name) for name in parsers)
    for name, registered in parsers.items():
        click.echo(f"{name:{width}}  {registered.parser.summary}  [{registered.origin}]")


@click.command("new-parser")
@click.argument("name")
@click.pass_obj
def new_parser_command(ini: Path, name: str) -> None:
    """Write a working parser plugin, a sample and a test into the plugins folder.

    pyproject.toml beside them makes the folder a package that pip can install.
    """
    with one_line_errors():
        folder = load_feed_site(ini).options.plugin_folder or Path("plugins")
        try:
            paths = scaffold_parser(name, folder)
        except ScaffoldError as error:
            raise click.ClickException(str(error)) from None
    for path in paths:
        click.echo(f"Wrote {path}")
    if paths[-1].name != "pyproject.toml":
        click.echo(f"{folder / 'pyproject.toml'} has another form; add the entry point yourself")
    click.echo(f"Now: streaming-system schedule check-plugin {paths[0]}")


@click.command("check-plugin")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
def check_plugin_command(path: Path) -> None:
    """Check that a parser plugin conforms to the site's requirements.

    The sample feeds of NAME.py are beside it: NAME.sample.json.
    """
    has_faults = False
    for finding in check_plugin(path):
        has_faults = has_faults or bool(finding.failure)
        status = ("FAILED", "red") if finding.failure else ("ok", "green")
        details = f": {finding.failure}" if finding.failure else ""
        click.echo(f"{click.style(status[0], fg=status[1])}  {finding.check}{details}")
    if has_faults:
        raise click.exceptions.Exit(1)
