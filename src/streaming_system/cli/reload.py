"""`streaming-system reload`: puts a changed configuration into service at once."""

import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from streaming_system.cli.common import one_line_errors
from streaming_system.cli.event_option import selected_event
from streaming_system.config.differences import describe_differences, summarise_conference
from streaming_system.config.events import event_settings, list_events
from streaming_system.config.ini import SettingsError, load_app_settings
from streaming_system.config.worker_records import Worker, load_workers, touch_trigger, trigger_file
from streaming_system.util.file_watch import FileWatch

# Workers notice a change by themselves within this time.
TIMEOUT = 10.0  # seconds
POLL_INTERVAL = 0.1  # seconds


@click.command("reload")
@click.pass_obj
def reload_command(ini: Path) -> None:
    """Put a changed configuration, theme or catalogue into service at once.

    It is validated first; an invalid one is refused, and the one before stays in service. The
    command prints what has changed. Without it, workers notice a change within ten seconds.
    Without --event, the command reloads all conferences of the site, too.
    """
    name = selected_event()
    with one_line_errors():
        settings = load_app_settings(ini, "frontend")
        if name:
            _reload_event(ini, event_settings(settings, name))
            return
        tracker = _tracker_settings(ini)
        _reload(ini, settings, tracker)
        events = {event: event_settings(settings, event) for event in list_events(settings)}
    failures = []
    for event, derived in events.items():
        try:
            with one_line_errors():
                _reload_event(ini, derived, f"{event}: ")
        except click.ClickException as error:
            failures.append(error.message)
    if failures:
        raise click.ClickException("\nError: ".join(failures))


def _reload_event(ini: Path, settings: Mapping[str, Any], prefix: str = "") -> None:
    """Reload one conference; a worker that has had no request for it has nothing to reload."""
    if load_workers(settings):
        _reload(ini, settings, None, prefix)
    else:
        _load_states(settings, None)
        click.echo(f"{prefix}no worker serves it yet; the next request loads it.")


def _reload(
    ini: Path,
    settings: Mapping[str, Any],
    tracker: Mapping[str, Any] | None,
    prefix: str = "",
) -> None:
    trigger = trigger_file(settings)
    if trigger is None:
        raise SettingsError(
            f"{ini}: workers.folder in [DEFAULT] is missing, where workers write what they "
            "serve; they notice changes without it within ten seconds"
        )
    states = _load_states(settings, tracker)
    versions = {app: version for app, (version, _) in states.items()}
    before = [worker for worker in load_workers(settings) if worker.app in versions]
    for line in _describe_changes(before, states):
        click.echo(f"{prefix}{line}")
    try:
        touch_trigger(trigger)
    except OSError as error:
        raise click.ClickException(f"{trigger}: cannot be written: {error.strerror}") from None
    _report_workers(_wait(settings, versions), versions, prefix)


def _load_states(
    settings: Mapping[str, Any], tracker: Mapping[str, Any] | None
) -> dict[str, tuple[str, Mapping[str, Any]]]:
    try:
        with one_line_errors():
            states = {"frontend": _load_frontend(settings)}
            if tracker is not None:
                states["tracker"] = _load_tracker(tracker)
    except click.ClickException as error:
        raise click.ClickException(
            f"{error.message}; the configuration before stays in service"
        ) from None
    return states


def _load_frontend(settings: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Return the version of the files and the summary of what they define."""
    # The web framework slows down the start, so other commands do not import it.
    from streaming_system.frontend.brand import BrandError, validate_brand_folder
    from streaming_system.frontend.i18n import LanguageError
    from streaming_system.frontend.site_state import load_site_state
    from streaming_system.theme import ThemeError

    watch = FileWatch()
    try:
        state = load_site_state(settings, watch)
        validate_brand_folder(settings.get("brand.folder"))
    except (BrandError, LanguageError, ThemeError) as error:
        raise click.ClickException(" ".join(str(error).split())) from None
    return watch.version, state.summary()


def _load_tracker(settings: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    from streaming_system.tracker.settings import StartupError, load_conference

    watch = FileWatch()
    try:
        conference = load_conference(settings, watch)
    except StartupError as error:
        raise click.ClickException(str(error)) from None
    return watch.version, summarise_conference(conference)


def _tracker_settings(ini: Path) -> Mapping[str, str] | None:
    """Return the settings of the tracker; ``None`` if this machine has none."""
    try:
        return load_app_settings(ini, "tracker")
    except SettingsError:
        return None


def _describe_changes(
    workers: list[Worker], states: Mapping[str, tuple[str, Mapping[str, Any]]]
) -> list[str]:
    """Return what is going to change in the first outdated worker of each app."""
    if not workers:
        return ["No worker runs that has workers.folder in its ini file."]
    outdated = [worker for worker in workers if worker.version != states[worker.app][0]]
    if not outdated:
        since = max(worker.since for worker in workers)
        return [
            f"Nothing has changed: this version is in service since {since:%Y-%m-%d %H:%M:%S} UTC."
        ]
    # The pages have everything that the tracker has, and the theme and the languages.
    worker = min(outdated, key=lambda worker: worker.app)
    lines = describe_differences(worker.summary, dict(states[worker.app][1]))
    return lines or ["Nothing has changed that viewers can see."]


def _wait(settings: Mapping[str, Any], versions: Mapping[str, str]) -> list[Worker]:
    """Return the workers once all have the new version, or after the timeout."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        workers = [worker for worker in load_workers(settings) if worker.app in versions]
        is_done = all(worker.version == versions[worker.app] for worker in workers)
        if is_done or time.monotonic() >= deadline:
            return workers
        time.sleep(POLL_INTERVAL)


def _report_workers(workers: list[Worker], versions: Mapping[str, str], prefix: str) -> None:
    current = Counter(w.app for w in workers if w.version == versions[w.app])
    total = Counter(worker.app for worker in workers)
    for app, count in sorted(total.items()):
        click.echo(f"{prefix}{app}: {current[app]} of {count} workers have the new version.")
    waiting = sum(total.values()) - sum(current.values())
    if waiting:
        click.echo(
            f"{prefix}{waiting} without a request since then load it before their next response."
        )
