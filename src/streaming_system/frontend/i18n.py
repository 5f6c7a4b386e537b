"""Which language a page speaks: its address says so, else the browser, else it is English."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from babel import Locale, UnknownLocaleError
from pyramid.events import BeforeRender, NewResponse

from streaming_system.frontend.formatting import LocaleFormatter
from streaming_system.frontend.js_catalogue import JsCatalogue, load_js_catalogue
from streaming_system.frontend.routes import PAGE_ROUTES

DOMAIN = "streaming-system"
LOCALE_DIR = Path(__file__).parent / "locale"
# What all words are written in.
SOURCE_LANGUAGE = "en"
# What those who speak our languages call them, all of which go from left to right. Babel says the
# same, and reads all that it knows of a language to say it, at each start.
NATIVE_NAMES = {"de": "Deutsch", "en": "English", "es": "español", "fr": "français"}
# What an address may ask of a page; the same page in another language is asked the same.
QUERY_PARAMS = ("day", "room", "view", "q", "range", "template", "delta")


@dataclass(frozen=True, kw_only=True)
class Language:
    """A language that pages can speak.

    :param name: what gettext and Babel call it, such as ``pt_BR``.
    :param catalogues: where its words are, the weaker first.
    """

    name: str
    catalogues: tuple[Path, ...]

    @property
    def tag(self) -> str:
        """What browsers call it, such as ``pt-BR``."""
        return self.name.replace("_", "-")

    @cached_property
    def scripts(self) -> JsCatalogue:
        """The words of scripts in it."""
        return load_js_catalogue(self.name, self.catalogues)

    @cached_property
    def locale(self) -> Locale:
        """What Babel knows of it."""
        return Locale.parse(self.name)

    @property
    def own_name(self) -> str:
        """What its speakers call it."""
        name = _native_name(self.locale) or self.tag
        return name[:1].upper() + name[1:]

    @property
    def direction(self) -> str:
        """Where its lines go."""
        if self.name in NATIVE_NAMES:
            return "ltr"
        return "rtl" if self.locale.character_order == "right-to-left" else "ltr"


class Languages(Mapping[str, Language]):
    """The languages that there are catalogues of, by name; and English."""

    def __init__(self, folders: Iterable[Path]) -> None:
        found: dict[str, list[Path]] = {SOURCE_LANGUAGE: []}
        for folder in folders:
            for catalogue in sorted(folder.glob(f"*/LC_MESSAGES/{DOMAIN}.mo")):
                found.setdefault(catalogue.parent.parent.name, []).append(catalogue)
        self._languages = {
            name: Language(name=name, catalogues=_catalogues(name, found))
            for name in sorted(found, key=_native_sort_key)
        }
        # A catalogue of ours is read when somebody speaks it, and tested. One that an organiser
        # has added is read now, so that a mistake in it is one of the start.
        for language in self._languages.values():
            if any(LOCALE_DIR not in path.parents for path in language.catalogues):
                _ = language.scripts
        self._by_tag = {one.tag.lower(): one for one in self._languages.values()}

    def __getitem__(self, name: str) -> Language:
        return self._languages[name]

    def __iter__(self) -> Any:
        return iter(self._languages)

    def __len__(self) -> int:
        return len(self._languages)

    def tagged(self, tag: str) -> Language | None:
        """Return the language that browsers call so."""
        return self._by_tag.get(tag.lower())

    def liked(self, accepted: Any) -> Language:
        """Return what a browser likes best: ``de`` is good for somebody who asks for ``de-AT``."""
        tags = [language.tag for language in self.values()]
        best = accepted.lookup(tags, default_tag=SOURCE_LANGUAGE)
        return self.tagged(best) or self[SOURCE_LANGUAGE]


def _catalogues(name: str, found: Mapping[str, list[Path]]) -> tuple[Path, ...]:
    """Return the catalogues of a language: what a country has not, its language has."""
    whole, _, country = name.partition("_")
    return (*(found.get(whole, []) if country else []), *found[name])


def _native_sort_key(name: str) -> str:
    try:
        locale = Locale.parse(name)
    except (UnknownLocaleError, ValueError):
        raise SystemExit(
            f"a folder of catalogues is called {name}, which is no language; "
            "right are names like de or pt_BR"
        ) from None
    return (_native_name(locale) or name).casefold()


def _native_name(locale: Locale) -> str | None:
    return NATIVE_NAMES.get(str(locale)) or locale.get_display_name()


def includeme(config: Any) -> None:
    """Have pages speak the language of whoever asks for them."""
    settings = config.get_settings()
    more = settings.get("languages.folder")
    folders = [LOCALE_DIR, *([Path(more)] if more else [])]
    for folder in folders:
        if not folder.is_dir():
            raise SystemExit(f"languages.folder in the ini file is {folder}, which is no folder")
    config.registry["languages"] = Languages(folders)
    config.add_translation_dirs(*map(str, folders))
    config.set_locale_negotiator(_negotiate)
    config.add_request_method(_requested_language, "asked_language", reify=True)
    config.add_request_method(
        lambda request: request.registry["languages"][request.locale_name], "language", reify=True
    )
    config.add_request_method(_formatter, "words", reify=True)
    config.add_request_method(_translate, "translate")
    config.add_request_method(_page_query, "page_query", reify=True)
    config.add_request_method(_url_in_language, "in_language")
    config.add_subscriber(_add_translation_globals, BeforeRender)
    config.add_subscriber(_set_content_language, NewResponse)


def _is_page(request: Any) -> bool:
    """Tell whether people read the answer. A page that there is not is a page, too."""
    return request.matched_route is None or request.matched_route.name in PAGE_ROUTES


def _requested_language(request: Any) -> Language | None:
    """Return the language that the page's address names, if there is such a one."""
    if not _is_page(request):
        return None
    try:
        tag = request.GET.get("lang", "")
    except UnicodeDecodeError:
        return None
    language: Language | None = request.registry["languages"].tagged(tag)
    return language


def _negotiate(request: Any) -> str:
    if not _is_page(request):
        return SOURCE_LANGUAGE
    language = request.asked_language or request.registry["languages"].liked(
        request.accept_language
    )
    name: str = language.name
    return name


def _formatter(request: Any) -> LocaleFormatter:
    return LocaleFormatter(request.locale_name, request.localizer, DOMAIN)


def _translate(request: Any, message: str, **values: object) -> str:
    words: LocaleFormatter = request.words
    return words.translate(message, **values)


def _page_query(request: Any) -> dict[str, str]:
    """Return what the address asks of the page, but for its language; a view may know better."""
    try:
        return {name: request.GET[name] for name in QUERY_PARAMS if name in request.GET}
    except UnicodeDecodeError:
        return {}


def _url_in_language(request: Any, language: Language | None) -> str:
    """Return the whole address of this page in a language; without one, in the browser's."""
    # request.path_url is what Pyramid would make of the route's own address.
    query = dict(request.page_query) | ({"lang": language.tag} if language else {})
    address: str = request.path_url
    return f"{address}?{urlencode(query)}" if query else address


def _add_translation_globals(event: BeforeRender) -> None:
    request = event.get("request")
    if request is not None:
        event["words"] = request.words


def _set_content_language(event: NewResponse) -> None:
    request, response = event.request, event.response
    if response.content_type != "text/html" or not _is_page(request):
        return
    response.content_language = (request.language.tag,)
    if request.asked_language is None:
        response.vary = (*(response.vary or ()), "Accept-Language")
