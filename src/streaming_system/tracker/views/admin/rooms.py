"""The admin page of the rooms: what viewers see of them, and the import of the schedule."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pyramid.view import view_config, view_defaults

from streaming_system.config.events import event_settings, list_events
from streaming_system.config.worker_records import import_trigger_file, touch_trigger
from streaming_system.schedule.import_report import load_report
from streaming_system.tracker.admin import forms
from streaming_system.tracker.crew.errors import CrewError
from streaming_system.tracker.crew.site_changes import SiteChanges
from streaming_system.tracker.views.admin import PAGE_VIEW, TEMPLATE_DIR, AdminPage, action


@view_defaults(route_name="admin.rooms", renderer=f"{TEMPLATE_DIR}/rooms.jinja2", http_cache=0)
class RoomAdminPage(AdminPage):
    """Rooms: the crew changes their titles, messages, sources and order, and closes them."""

    route = "admin.rooms"

    @view_config(**PAGE_VIEW)
    def show(self) -> dict[str, Any]:
        """Show the rooms."""
        return self.page()

    @view_config(**action("title"))
    def change_title(self) -> Any:
        """Change the title of a room."""
        return self._set_value("title", lambda submitted: submitted["title"].strip())

    @view_config(**action("message"))
    def change_message(self) -> Any:
        """Change the message of a room; an empty one removes it."""
        return self._set_value("message", lambda submitted: submitted["message"].strip())

    @view_config(**action("sources"))
    def change_sources(self) -> Any:
        """Change the timed sources of a room."""
        return self._set_value("sources", lambda submitted: submitted["sources"])

    @view_config(**action("close"))
    def close(self) -> Any:
        """Close a room."""
        return self._set_value("closed", lambda submitted: True)

    @view_config(**action("open"))
    def open(self) -> Any:
        """Open a closed room."""
        return self._set_value("closed", lambda submitted: False)

    @view_config(**action("up"))
    def move_up(self) -> Any:
        """Move a room towards the beginning."""
        return self._move(-1)

    @view_config(**action("down"))
    def move_down(self) -> Any:
        """Move a room towards the end."""
        return self._move(1)

    @view_config(**action("reset"))
    def reset(self) -> Any:
        """Return a room to the organisers' files."""
        return self._change(
            lambda changes, submitted: changes.reset(submitted["room"], now=self.request.now)
        )

    @view_config(**action("undo"))
    def undo(self) -> Any:
        """Undo the last change."""
        return self._change(lambda changes, submitted: changes.undo(now=self.request.now))

    @view_config(**action("import"))
    def import_schedule(self) -> Any:
        """Request an import of the schedule from the process that watches the feeds."""
        return self.handle_post(forms.NO_FIELDS_FORM, lambda submitted: self._request_import())

    def _set_value(self, key: str, value_of: Callable[[Mapping[str, Any]], Any]) -> Any:
        return self._change(
            lambda changes, submitted: changes.set_value(
                submitted["room"], key, value_of(submitted), now=self.request.now
            )
        )

    def _move(self, steps: int) -> Any:
        return self._change(
            lambda changes, submitted: changes.move(submitted["room"], steps, now=self.request.now)
        )

    def _change(self, execute: Callable[[SiteChanges, Mapping[str, Any]], str]) -> Any:
        """Execute a form, and show the result on the next page of this worker."""

        def execute_and_reload(submitted: Mapping[str, Any]) -> str:
            message = execute(self.request.site_changes, submitted)
            self.request.registry["configuration"].reload()
            return message

        return self.handle_post(forms.ROOM_FORM, execute_and_reload)

    def _request_import(self) -> str:
        trigger = import_trigger_file(self.request.registry.settings)
        if trigger is None:
            raise CrewError(
                "workers.folder is missing in the ini file; an import is requested there"
            )
        self.request.audit.record(
            account=self.request.identity.name,
            action="schedule.import",
            subject="requested",
            now=self.request.now,
        )
        settings = self.request.registry.settings
        try:
            touch_trigger(trigger)
            for name in list_events(settings):
                if own := import_trigger_file(event_settings(settings, name)):
                    touch_trigger(own)
        except OSError as error:
            raise CrewError(f"the import cannot be requested: {error.strerror}") from None
        return "The import is requested. Its result is below in a few seconds."

    def content(self) -> dict[str, Any]:
        """Return the rooms, what the crew has changed of them, and the last import."""
        request = self.request
        error = ""
        try:
            overrides = request.site_changes.overrides()
            changed, previous = overrides.rooms, overrides.previous
        except CrewError as invalid:
            changed, previous, error = {}, (), str(invalid)
        path = request.registry.settings.get("schedule.file")
        return {
            "rooms": request.conference.rooms,
            "changed": changed,
            "previous": tuple(reversed(previous)),
            "changed_at": datetime.fromisoformat(previous[-1].at) if previous else None,
            "unreadable": error,
            "sources_text": {
                room: json.dumps(values["sources"], ensure_ascii=False, indent=1)
                for room, values in changed.items()
                if "sources" in values
            },
            "report": load_report(Path(path)) if path else None,
        }
