"""The admin page of the ingest: what encoders send, and the keys with which they publish."""

from typing import Any

from pyramid.view import view_config, view_defaults

from streaming_system.tracker.admin import forms
from streaming_system.tracker.crew.crew import parse_time
from streaming_system.tracker.crew.errors import CrewError
from streaming_system.tracker.publishing.encoder_guide import encoder_guides
from streaming_system.tracker.publishing.ingest_health import stream_ingests
from streaming_system.tracker.views.admin import PAGE_VIEW, TEMPLATE_DIR, AdminPage, action


@view_defaults(route_name="admin.ingest", renderer=f"{TEMPLATE_DIR}/ingest.jinja2", http_cache=0)
class IngestPage(AdminPage):
    """The health of what arrives, and the stream keys."""

    route = "admin.ingest"

    @view_config(**PAGE_VIEW)
    def show(self) -> dict[str, Any]:
        """Show the streams, and the keys without their texts."""
        return self.page()

    @view_config(**action("create"))
    def create(self) -> Any:
        """Create a stream key and show its text, which cannot be retrieved again.

        The page is the response to the form: a redirect would have to store the text.
        """
        request = self.request
        try:
            submitted = forms.parse_form(forms.STREAM_KEY_FORM, request.POST)
            expires = submitted["expires"].strip()
            key, text = request.crew.create_stream_key(
                room=submitted["room"],
                label=submitted["label"],
                expires_at=parse_time(expires, now=request.now) if expires else None,
                now=request.now,
            )
        except CrewError as error:
            return self.render_error(str(error))
        guides = encoder_guides(request.registry.settings, key.room, text)
        return self.page(created=key, text=text, guides=guides)

    @view_config(**action("revoke"))
    def revoke(self) -> Any:
        """Revoke a stream key."""
        return self.handle_post(
            forms.ROW_ACTION_FORM,
            lambda submitted: self.request.crew.revoke_stream_key(
                submitted["id"], now=self.request.now
            ),
        )

    def content(self) -> dict[str, Any]:
        """Return the streams of live endpoints, and the keys, newest first."""
        request = self.request
        return {
            "now": request.now,
            "streams": stream_ingests(request.endpoints.alive(now=request.now), now=request.now),
            "keys": request.stream_keys.all(),
            "is_open": request.registry.settings["ingest.open"],
            "rooms": request.conference.rooms,
            "created": None,
            "text": "",
            "guides": (),
        }
