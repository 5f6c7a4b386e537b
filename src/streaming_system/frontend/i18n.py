"""The language of a page: from ``?lang=``, else from the browser, else English."""

import hashlib
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from gettext import GNUTranslations
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from babel import Locale, UnknownLocaleError
from pyramid.events import BeforeRender, NewResponse
from pyramid.i18n import make_localizer
from pyramid.interfaces import ILocalizer, ITranslationDirectories

from streaming_system.frontend.formatting import LocaleFormatter
from streaming_system.frontend.js_catalogue import JsCatalogue, load_js_catalogue
from streaming_system.frontend.routes import is_page

DOMAIN = "streaming-system"
LOCALE_DIR = Path(__file__).parent / "locale"
# The language of the msgids.
SOURCE_LANGUAGE = "en"
# Native names of the included languages, which are all written from left to right. Babel has the
# same, but would load all its data of these languages at each start.
NATIVE_NAMES = {"de": "Deutsch", "en": "English", "es": "español", "fr": "français"}
INCLUDED_TAGS = tuple(NATIVE_NAMES)
# Query parameters that links to the same page in another language repeat.
QUERY_PARAMS = ("day", "room", "view", "q", "range", "template", "delta")


@dataclass(frozen=True, kw_only=True)
class Language:
    """A language of the pages.

    :param name: for gettext and Babel, such as ``pt_BR``.
    :param catalogues: its compiled catalogues; later ones override earlier ones.
    """

    name: str
    catalogues: tuple[Path, ...]

    @property
    def tag(self) -> str:
        """Its BCP 47 tag, such as ``pt-BR``."""
        return self.name.replace("_", "-")

    @cached_property
    def version(self) -> str:
        """A hash of the organisers' catalogues; "" without any."""
        own = [path for path in self.catalogues if LOCALE_DIR not in path.parents]
        content = b"".join(hashlib.sha256(path.read_bytes()).digest() for path in own)
        return hashlib.sha256(content).hexdigest()[:12] if own else ""

    @cached_property
    def js_catalogue(self) -> JsCatalogue:
        """The translations of the JavaScript modules."""
        return load_js_catalogue(self.name, self.catalogues)

    @cached_property
    def locale(self) -> Locale:
        """Its Babel locale."""
        return Locale.parse(self.name)

    @property
    def native_name(self) -> str:
        """Its name in itself."""
        name = _native_name(self.locale) or self.tag
        return name[:1].upper() + name[1:]

    @property
    def direction(self) -> str:
        """Its writing direction: ``ltr`` or ``rtl``."""
        if self.name in NATIVE_NAMES:
            return "ltr"
        return "rtl" if self.locale.character_order == "right-to-left" else "ltr"


class LanguageError(Exception):
    """An invalid folder or catalogue; the message is one line."""


class Languages(Mapping[str, Language]):
    """The languages with catalogues, by name, and English.

    :param folders: of the catalogues; later ones override earlier ones.
    :param tags: the languages to offer, in order, the default one first; empty for all.
    :raises LanguageError: if a catalogue or its folder is invalid, or missing for a tag.
    """

    def __init__(self, folders: Iterable[Path], tags: Sequence[str] = ()) -> None:
        self.folders = tuple(folders)
        catalogues: dict[str, list[Path]] = {SOURCE_LANGUAGE: []}
        for folder in self.folders:
            for catalogue in sorted(folder.glob(f"*/LC_MESSAGES/{DOMAIN}.mo")):
                catalogues.setdefault(catalogue.parent.parent.name, []).append(catalogue)
        self._languages = {
            name: Language(name=name, catalogues=_with_fallback(name, catalogues))
            for name in sorted(catalogues, key=_native_sort_key)
        }
        # Included catalogues are tested and load on demand. Those of organisers load now, so that
        # an invalid one is refused.
        for language in self._languages.values():
            own = [path for path in language.catalogues if LOCALE_DIR not in path.parents]
            for path in own:
                _validate_catalogue(path)
            if own:
                _ = language.js_catalogue, language.version
        self._by_tag = {one.tag.lower(): one for one in self._languages.values()}
        # Data for programs is in English, also on a site whose pages are not.
        self._source = self._languages[SOURCE_LANGUAGE]
        if tags:
            chosen = [self._require(tag) for tag in tags]
            self._languages = {language.name: language for language in chosen}
            self._by_tag = {language.tag.lower(): language for language in chosen}
        self.default = self.by_tag(tags[0] if tags else "") or self._source

    def __getitem__(self, name: str) -> Language:
        return self._source if name == SOURCE_LANGUAGE else self._languages[name]

    def __iter__(self) -> Any:
        return iter(self._languages)

    def __len__(self) -> int:
        return len(self._languages)

    def by_tag(self, tag: str) -> Language | None:
        """Return the language with a BCP 47 tag."""
        return self._by_tag.get(tag.lower())

    def best_match(self, accept_language: Any) -> Language:
        """Return the best language for a browser; ``de`` matches ``de-AT``.

        A browser that refuses all of them gets the default one.
        """
        tags, default = [language.tag for language in self.values()], self.default.tag
        best = accept_language.lookup(tags, default_tag=default, default=default)
        return self.by_tag(best) or self.default

    def _require(self, tag: str) -> Language:
        language = self.by_tag(tag)
        if language is None:
            known = ", ".join(sorted(one.tag for one in self._languages.values()))
            raise LanguageError(
                f"section 'config': key 'languages': there is no catalogue for {tag!r:.40}; "
                f"allowed: {known}, and those of languages.folder in the ini file"
            )
        return language


def load_languages(extra: Path | None, tags: Sequence[str] = ()) -> Languages:
    """Return the included languages, and those of a folder.

    :param tags: the languages to offer, in order; empty for all.
    :raises LanguageError: if the folder or a catalogue is invalid.
    """
    if extra and not extra.is_dir():
        raise LanguageError(f"languages.folder in the ini file is {extra}, which is no folder")
    return Languages([LOCALE_DIR, *([extra] if extra else [])], tags)


def _validate_catalogue(path: Path) -> None:
    try:
        with path.open("rb") as file:
            GNUTranslations(file)
    except OSError as error:
        raise LanguageError(
            f"{path}: cannot be read: {error.strerror}; msgfmt compiles it from its .po file"
        ) from None
    except (ValueError, LookupError, struct.error):
        raise LanguageError(f"{path}: is damaged; msgfmt compiles it from its .po file") from None


def _with_fallback(name: str, catalogues: Mapping[str, list[Path]]) -> tuple[Path, ...]:
    """Return the catalogues of a language; those of ``pt`` come before those of ``pt_BR``."""
    base, _, country = name.partition("_")
    return (*(catalogues.get(base, []) if country else []), *catalogues[name])


def _native_sort_key(name: str) -> str:
    try:
        locale = Locale.parse(name)
    except (UnknownLocaleError, ValueError):
        raise LanguageError(
            f"a folder of catalogues is called {name}, which is no language; "
            "right are names like de or pt_BR"
        ) from None
    return (_native_name(locale) or name).casefold()


def _native_name(locale: Locale) -> str | None:
    return NATIVE_NAMES.get(str(locale)) or locale.get_display_name()


def includeme(config: Any) -> None:
    """Set up the languages and the negotiation."""
    languages: Languages = config.get_settings()["site_state"].languages
    config.registry["languages"] = languages
    config.add_translation_dirs(*map(str, languages.folders))
    if len(languages.folders) > 1:
        # Now, since a later version of the organisers' catalogues may be invalid.
        config.action(None, partial(_load_localizers, config.registry, languages), order=999)
    config.set_locale_negotiator(_negotiate)
    config.add_request_method(_requested_language, "requested_language", reify=True)
    config.add_request_method(
        lambda request: languages.get(request.locale_name, languages.default),
        "language",
        reify=True,
    )
    config.add_request_method(_formatter, "formatter", reify=True)
    config.add_request_method(_translate, "translate")
    config.add_request_method(_page_query, "page_query", reify=True)
    config.add_request_method(_url_in_language, "url_in_language")
    config.add_subscriber(_add_translation_globals, BeforeRender)
    config.add_subscriber(_set_content_language, NewResponse)


def _load_localizers(registry: Any, languages: Languages) -> None:
    folders = registry.queryUtility(ITranslationDirectories, default=[])
    for name in languages:
        registry.registerUtility(make_localizer(name, folders), ILocalizer, name=name)


def _requested_language(request: Any) -> Language | None:
    """Return the language of ``?lang=``, if it exists."""
    if not is_page(request):
        return None
    language: Language | None = request.registry["languages"].by_tag(request.GET.get("lang", ""))
    return language


def _negotiate(request: Any) -> str:
    if not is_page(request):
        return SOURCE_LANGUAGE
    language = request.requested_language or request.registry["languages"].best_match(
        request.accept_language
    )
    name: str = language.name
    return name


def _formatter(request: Any) -> LocaleFormatter:
    return LocaleFormatter(
        request.locale_name, request.localizer, DOMAIN, request.translated_titles
    )


def _translate(request: Any, message: str, **values: object) -> str:
    formatter: LocaleFormatter = request.formatter
    return formatter.translate(message, **values)


def _page_query(request: Any) -> dict[str, str]:
    """Return the query of the page without its language; a view may replace it."""
    return {name: request.GET[name] for name in QUERY_PARAMS if name in request.GET}


def _url_in_language(request: Any, language: Language | None) -> str:
    """Return the absolute URL of this page in a language; ``None`` for the browser's."""
    query = dict(request.page_query) | ({"lang": language.tag} if language else {})
    url: str = request.path_url
    return f"{url}?{urlencode(query)}" if query else url


def _add_translation_globals(event: BeforeRender) -> None:
    request = event.get("request")
    if request is not None:
        event["formatter"] = request.formatter


def _set_content_language(event: NewResponse) -> None:
    request, response = event.request, event.response
    if response.content_type != "text/html" or not is_page(request):
        return
    response.content_language = (request.language.tag,)
    if request.requested_language is None:
        response.vary = (*(response.vary or ()), "Accept-Language")
