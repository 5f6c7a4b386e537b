"""Logging in and out, and one's own password."""

import re
from typing import Any

from pyramid.exceptions import BadCSRFOrigin, BadCSRFToken
from pyramid.httpexceptions import HTTPException, HTTPForbidden, HTTPSeeOther
from pyramid.security import forget, remember
from pyramid.view import exception_view_config, forbidden_view_config, view_config, view_defaults

from streaming_system.tracker.admin import forms
from streaming_system.tracker.admin.security import SAFE_METHODS
from streaming_system.tracker.crew.errors import CrewError
from streaming_system.tracker.views.admin import PAGE_VIEW, TEMPLATE_DIR, AdminPage, action
from streaming_system.web.health import READ_METHODS

# A page of ours below the tracker's prefix: nothing that could lead to another site.
ADMIN_PATH = re.compile(r"/admin(?:/[a-z]+)?(?:\?[A-Za-z0-9._~%=&+:-]*)?", re.ASCII)


@view_defaults(route_name="admin.login", renderer=f"{TEMPLATE_DIR}/login.jinja2", http_cache=0)
class LoginPage(AdminPage):
    """The way in."""

    route = "admin.login"

    @view_config(request_method=READ_METHODS)
    def show(self) -> dict[str, Any]:
        """Ask for name and password."""
        return self.page(typed={"next": self.request.GET.get("next", "")})

    @view_config(request_method="POST")
    def log_in(self) -> Any:
        """Let somebody in who knows them."""
        request = self.request
        try:
            typed = forms.parse_form(forms.LOGIN_FORM, request.POST)
        except CrewError as error:
            return self.refuse(str(error))
        login = request.logins.log_in(
            typed["name"], typed["password"], address=request.remote_addr or "", now=request.now
        )
        if login.wait:
            return self.later(login.wait)
        if login.account is None:
            return self.refuse("name or password is wrong")
        headers = remember(request, login.account, epoch=login.epoch)
        following = typed["next"] if ADMIN_PATH.fullmatch(typed["next"]) else "/admin"
        return HTTPSeeOther(request.script_name + following, headers=headers)

    def content(self) -> dict[str, Any]:
        """Return nothing: there is only the form."""
        return {}


@view_config(route_name="admin.logout", request_method="POST", permission="look")
def log_out(request: Any) -> Any:
    """End the session of this browser."""
    request.audit.note(account=request.identity.name, action="logout", subject="", now=request.now)
    headers = forget(request)
    request.session.flash("You are logged out.")
    return HTTPSeeOther(request.route_path("admin.login"), headers=headers)


@view_defaults(
    route_name="admin.password", renderer=f"{TEMPLATE_DIR}/password.jinja2", http_cache=0
)
class PasswordPage(AdminPage):
    """One's own password, and one's own sessions."""

    route = "admin.password"

    @view_config(**PAGE_VIEW)
    def show(self) -> dict[str, Any]:
        """Ask for the old and the new password."""
        return self.page()

    @view_config(**action("change", permission="look"))
    def change(self) -> Any:
        """Change the password. All sessions end but this one."""
        request = self.request
        try:
            typed = forms.parse_form(forms.PASSWORD_FORM, request.POST)
        except CrewError as error:
            return self.refuse(str(error))
        if typed["new"] != typed["again"]:
            return self.refuse("the two new passwords are not the same")
        # To know who asks, this transaction became a writer's, and checking a password takes long:
        # nobody's report shall wait for it.
        request.tm.abort()
        request.tm.begin()
        login = request.logins.prove(
            request.identity.name,
            typed["old"],
            address=request.remote_addr or "",
            now=request.now,
        )
        if login.wait:
            return self.later(login.wait)
        if login.account is None:
            return self.refuse("the old password is wrong")
        return self.take(
            forms.PASSWORD_FORM, lambda typed: self._change(typed, login.password_hash)
        )

    @view_config(**action("everywhere", permission="look"))
    def everywhere(self) -> Any:
        """End all sessions of the account."""
        self.request.crew.end_sessions(now=self.request.now)
        headers = forget(self.request)
        self.request.session.flash("You are logged out everywhere.")
        return HTTPSeeOther(self.request.route_path("admin.login"), headers=headers)

    def content(self) -> dict[str, Any]:
        """Return nothing: there are only the forms."""
        return {}

    def _change(self, typed: Any, proven: str) -> str:
        account = self.request.crew.change_password(
            proven=proven, new=typed["new"], now=self.request.now
        )
        remember(self.request, account.id, epoch=account.epoch)
        return "Your password is changed; all other sessions have ended."


@forbidden_view_config(path_info=r"^/admin(?:/|$)", renderer=f"{TEMPLATE_DIR}/refused.jinja2")
def forbidden_view(error: HTTPForbidden, request: Any) -> Any:
    """Let people log in; say to who has logged in that it is not for them."""
    if request.identity:
        return _error_page(request, 403, "Your account may look, and change nothing.")
    wanted = (
        request.path_qs.removeprefix(request.script_name) if request.method in SAFE_METHODS else ""
    )
    query = {"next": wanted} if ADMIN_PATH.fullmatch(wanted) and wanted != "/admin" else {}
    return HTTPSeeOther(request.route_path("admin.login", _query=query))


@exception_view_config(
    BadCSRFToken, path_info=r"^/admin(?:/|$)", renderer=f"{TEMPLATE_DIR}/refused.jinja2"
)
@exception_view_config(
    BadCSRFOrigin, path_info=r"^/admin(?:/|$)", renderer=f"{TEMPLATE_DIR}/refused.jinja2"
)
def csrf_failed(error: HTTPException, request: Any) -> Any:
    """Refuse a form that another site has sent, or that is older than the session."""
    return _error_page(
        request, 400, "This form is too old, or is not from this site. Open the page again."
    )


def _error_page(request: Any, status: int, line: str) -> dict[str, str]:
    request.response.status = status
    return {"line": line}
