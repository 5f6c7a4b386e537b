"""The admin page of the feedback of viewers on talks."""

from typing import Any

from pyramid.httpexceptions import HTTPNotFound
from pyramid.response import FileIter, Response
from pyramid.view import view_config, view_defaults

from streaming_system.tracker.admin import forms
from streaming_system.tracker.audience.feedback_export import write_csv
from streaming_system.tracker.audience.talk_feedback import MAX_PAGE_ROWS
from streaming_system.tracker.crew.crew import MAX_ID
from streaming_system.tracker.crew.errors import CrewError
from streaming_system.tracker.views.admin import PAGE_VIEW, TEMPLATE_DIR, AdminPage, action


@view_defaults(
    route_name="admin.feedback", renderer=f"{TEMPLATE_DIR}/feedback.jinja2", http_cache=0
)
class FeedbackPage(AdminPage):
    """The ratings of all talks, and the comments on one of them."""

    route = "admin.feedback"

    @view_config(**PAGE_VIEW)
    def show(self) -> dict[str, Any]:
        """Show the talks, or the talk in the query."""
        return self.page()

    @view_config(**action("delete"))
    def delete(self) -> Any:
        """Delete the feedback of one viewer."""
        return self.handle_post(forms.ROW_ACTION_FORM, self._delete)

    @view_config(**action("export", permission="view"))
    def export(self) -> Any:
        """Download the feedback on a talk, or on all talks, as CSV."""
        request = self.request
        try:
            fields = forms.parse_form(forms.FEEDBACK_EXPORT_FORM, request.POST)
        except CrewError as error:
            return self.render_error(str(error))
        talk = fields["talk"]
        self._record("feedback.export", talk or "all talks")
        file = write_csv(request.talk_feedback.stream(fields["conference"], talk))
        return Response(
            app_iter=FileIter(file),
            content_type="text/csv",
            charset="utf-8",
            content_disposition='attachment; filename="feedback.csv"',
        )

    def content(self) -> dict[str, Any]:
        """Return the ratings of all talks, and the feedback on one."""
        query = self.request.GET
        talks = self.request.talk_feedback.by_talk()
        name, conference = query.get("talk", ""), query.get("conference", "")
        chosen = next((t for t in talks if (t.talk, t.conference) == (name, conference)), None)
        pages = -(-chosen.count // MAX_PAGE_ROWS) if chosen else 1
        text = query.get("page", "1")
        page = int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0
        if not 1 <= page <= pages or (name and chosen is None):
            raise HTTPNotFound("there is no such feedback")
        return {
            "talks": talks,
            "chosen": chosen,
            "feedback": self.request.talk_feedback.of_talk(conference, name, page=page)
            if chosen
            else (),
            "page_number": page,
            "page_count": pages,
        }

    def _delete(self, fields: Any) -> str:
        number = fields["id"]
        found = self.request.talk_feedback.delete(number) if 0 < number <= MAX_ID else None
        if found is None:
            raise CrewError("there is no such feedback; perhaps it has been deleted")
        # Not the comment: it is deleted.
        self._record("feedback.delete", f"{found.stars} stars for {found.title} ({found.talk})")
        return f"Deleted feedback on {found.title}."

    def _record(self, name: str, subject: str) -> None:
        self.request.audit.record(
            account=self.request.identity.name, action=name, subject=subject, now=self.request.now
        )
