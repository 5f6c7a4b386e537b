"""The second factor of the logged-in account."""

from collections.abc import Callable, Mapping
from typing import Any

from pyramid.view import view_config, view_defaults

from streaming_system.tracker.admin import forms
from streaming_system.tracker.crew.errors import CrewError
from streaming_system.tracker.crew.second_factor import (
    SecondFactors,
    create_secret,
    is_secret,
    qr_code,
)
from streaming_system.tracker.views.admin import (
    OWN_PAGE_VIEW,
    TEMPLATE_DIR,
    AdminPage,
    LockoutError,
    action,
)


@view_defaults(
    route_name="admin.secondfactor", renderer=f"{TEMPLATE_DIR}/secondfactor.jinja2", http_cache=0
)
class SecondFactorPage(AdminPage):
    """Turns the second factor on and off, and shows recovery codes once."""

    route = "admin.secondfactor"

    @view_config(**OWN_PAGE_VIEW)
    def show(self) -> dict[str, Any]:
        """Show a new key, or the state of the second factor."""
        return self.page()

    @view_config(**action("enable", permission="own"))
    def enable(self) -> Any:
        """Turn the second factor on, and end all other sessions."""
        return self._show_codes(self._enable)

    @view_config(**action("codes", permission="own"))
    def renew_codes(self) -> Any:
        """Replace the recovery codes."""
        return self._show_codes(self._renew_codes)

    @view_config(**action("disable", permission="own"))
    def disable(self) -> Any:
        """Turn the second factor off, and end all other sessions."""
        return self.handle_post(forms.SECOND_FACTOR_FORM, self._disable)

    def content(self) -> dict[str, Any]:
        """Return the state of the second factor, or a key for an app."""
        request = self.request
        account = request.accounts.get(request.identity.id)
        if account.totp_secret is not None:
            codes_left = SecondFactors(request.db).count_recovery_codes(account.id)
            return {"enabled": True, "codes_left": codes_left, "codes": []}
        # After an error, the key stays: the app has it already.
        submitted = request.POST.get("secret")
        is_valid = isinstance(submitted, str) and is_secret(submitted)
        secret = submitted if is_valid else create_secret()
        settings = request.registry.settings
        issuer = self.request.conference.default.conference or "Streaming"
        return {
            "enabled": False,
            "required": settings["second_factor.required"],
            "secret": secret,
            "qr_code": qr_code(secret, account=account.name, issuer=issuer),
            "codes": [],
        }

    def _show_codes(self, execute: Callable[[Mapping[str, Any]], list[str]]) -> Any:
        """Show recovery codes in the response: a redirect would have to store them."""
        try:
            codes = execute(forms.parse_form(forms.SECOND_FACTOR_FORM, self.request.POST))
        except CrewError as error:
            return self.render_error(str(error))
        except LockoutError as error:
            return self.render_lockout(error.seconds)
        return self.page(codes=codes)

    def _enable(self, fields: Mapping[str, Any]) -> list[str]:
        request = self.request
        self.verify_own_password(fields["password"])
        codes: list[str] = request.crew.enable_second_factor(
            secret=fields["secret"], code=fields["code"], now=request.now
        )
        self.continue_session(request.accounts.require(request.identity.name))
        return codes

    def _renew_codes(self, fields: Mapping[str, Any]) -> list[str]:
        self.verify_own_password(fields["password"], fields["code"])
        codes: list[str] = self.request.crew.renew_recovery_codes(now=self.request.now)
        return codes

    def _disable(self, fields: Mapping[str, Any]) -> str:
        self.verify_own_password(fields["password"], fields["code"])
        account = self.request.crew.disable_second_factor(now=self.request.now)
        self.continue_session(account)
        return "The second factor is off; all other sessions have ended."
