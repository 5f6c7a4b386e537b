"""`streaming-system production-files`: systemd units, nginx's configuration and more, as files."""

import shutil
from pathlib import Path

import click

import streaming_system

_PACKAGE = Path(streaming_system.__file__).parent
# A wheel has them in the package, a checkout in its top folder.
FOLDERS = (_PACKAGE / "production_files", _PACKAGE.parents[1] / "conf")


@click.command("production-files")
@click.argument("folder", metavar="DIRECTORY", type=click.Path(path_type=Path))
def production_files_command(folder: Path) -> None:
    """Write units, nginx's configuration and the rest of `conf` into a new DIRECTORY.

    They are those of this version. Compare them with yours after an upgrade.
    """
    source = next(each for each in FOLDERS if (each / "nginx.conf").is_file())
    if folder.exists():
        raise click.ClickException(f"{folder} exists; name a new folder")
    try:
        # The deployment script needs a checkout.
        shutil.copytree(source, folder, ignore=shutil.ignore_patterns("setup.sh", "__pycache__"))
    except (OSError, shutil.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise click.ClickException(f"{folder}: cannot be written: {reason}") from None
    count = sum(path.is_file() for path in folder.rglob("*"))
    click.echo(f"Wrote {count} files into {folder}.")
