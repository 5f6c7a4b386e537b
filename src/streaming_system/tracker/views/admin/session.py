"""Login, logout, and the password page of the logged-in account."""

import re
from typing import Any

from pyramid.exceptions import BadCSRFOrigin, BadCSRFToken
from pyramid.httpexceptions import HTTPException, HTTPForbidden, HTTPSeeOther
from pyramid.security import forget, remember
from pyramid.view import exception_view_config, forbidden_view_config, view_config, view_defaults

from streaming_system.tracker.admin import forms
from streaming_system.tracker.admin.security import SAFE_METHODS
from streaming_system.tracker.crew.errors import CrewError
from streaming_system.tracker.views.admin import OWN_PAGE_VIEW, TEMPLATE_DIR, AdminPage, action
from streaming_system.web.health import READ_METHODS

# A path of an admin page. A redirect to it cannot leave the site.
ADMIN_PATH = re.compile(r"/admin(?:/[a-z]+)?(?:\?[A-Za-z0-9._~%=&+:-]*)?", re.ASCII)


@view_defaults(route_name="admin.login", renderer=f"{TEMPLATE_DIR}/login.jinja2", http_cache=0)
class LoginPage(AdminPage):
    """The login form."""

    route = "admin.login"

    @view_config(request_method=READ_METHODS)
    def show(self) -> dict[str, Any]:
        """Show the form."""
        return self.page(typed={"next": self.request.GET.get("next", "")})

    @view_config(request_method="POST")
    def log_in(self) -> Any:
        """Log in with a name, a password, and a code if the account has a second factor."""
        request = self.request
        try:
            fields = forms.parse_form(forms.LOGIN_FORM, request.POST)
        except CrewError as error:
            return self.render_error(str(error))
        name = fields["name"]
        login = request.logins.log_in(
            name,
            fields["password"],
            client=request.login_client(name),
            now=request.now,
            code=fields["code"],
        )
        if login.retry_after:
            return self.render_lockout(login.retry_after)
        if login.account is None:
            return self.render_error("name, password or code is wrong")
        headers = remember(request, login.account, session_generation=login.session_generation)
        request.registry["device_cookies"].store(request, request.logins.name_key(login.name))
        next_path = fields["next"] if ADMIN_PATH.fullmatch(fields["next"]) else "/admin"
        return HTTPSeeOther(request.script_name + next_path, headers=headers)

    def content(self) -> dict[str, Any]:
        """The page has the form only."""
        return {}


@view_config(route_name="admin.logout", request_method="POST", permission="own")
def log_out(request: Any) -> Any:
    """Log out this browser."""
    request.audit.record(
        account=request.identity.name, action="logout", subject="", now=request.now
    )
    headers = forget(request)
    request.session.flash("You are logged out.")
    return HTTPSeeOther(request.route_path("admin.login"), headers=headers)


@view_defaults(
    route_name="admin.password", renderer=f"{TEMPLATE_DIR}/password.jinja2", http_cache=0
)
class PasswordPage(AdminPage):
    """The password and the sessions of the logged-in account."""

    route = "admin.password"

    @view_config(**OWN_PAGE_VIEW)
    def show(self) -> dict[str, Any]:
        """Show the forms."""
        return self.page()

    @view_config(**action("change", permission="own"))
    def change(self) -> Any:
        """Change the password, and end all other sessions."""
        return self.handle_post(forms.PASSWORD_FORM, self._change)

    @view_config(**action("everywhere", permission="own"))
    def log_out_everywhere(self) -> Any:
        """End all sessions of the account."""
        self.request.crew.end_sessions(now=self.request.now)
        headers = forget(self.request)
        self.request.session.flash("You are logged out everywhere.")
        return HTTPSeeOther(self.request.route_path("admin.login"), headers=headers)

    def content(self) -> dict[str, Any]:
        """Return whether the account has a second factor."""
        account = self.request.accounts.get(self.request.identity.id)
        return {"has_second_factor": account.totp_secret is not None}

    def _change(self, fields: Any) -> str:
        if fields["new"] != fields["again"]:
            raise CrewError("the two new passwords are not the same")
        return self.change_own_password(fields["old"], fields["new"])


@forbidden_view_config(path_info=r"^/admin(?:/|$)", renderer=f"{TEMPLATE_DIR}/refused.jinja2")
def forbidden_view(error: HTTPForbidden, request: Any) -> Any:
    """Redirect to the login page; show an error to an account that lacks the permission."""
    if request.identity and request.identity.lacks_second_factor:
        return HTTPSeeOther(request.route_path("admin.secondfactor"))
    if request.identity:
        return _error_page(request, 403, "Your account may look, and change nothing.")
    path = (
        request.path_qs.removeprefix(request.script_name) if request.method in SAFE_METHODS else ""
    )
    query = {"next": path} if ADMIN_PATH.fullmatch(path) and path != "/admin" else {}
    return HTTPSeeOther(request.route_path("admin.login", _query=query))


@exception_view_config(
    BadCSRFToken, path_info=r"^/admin(?:/|$)", renderer=f"{TEMPLATE_DIR}/refused.jinja2"
)
@exception_view_config(
    BadCSRFOrigin, path_info=r"^/admin(?:/|$)", renderer=f"{TEMPLATE_DIR}/refused.jinja2"
)
def csrf_failed(error: HTTPException, request: Any) -> Any:
    """Refuse a form from another site, or one that is older than the session."""
    return _error_page(
        request, 400, "This form is too old, or is not from this site. Open the page again."
    )


def _error_page(request: Any, status: int, line: str) -> dict[str, str]:
    request.response.status = status
    return {"line": line}
