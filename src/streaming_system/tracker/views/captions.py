"""Live captions: text from captioners, for players and transcripts.

A captioner's program sends each line as the body of a POST request to an address with a token, as
video conferences accept it: ``?token=…&lang=en&seq=12``.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import colander
from pyramid.httpexceptions import (
    HTTPBadRequest,
    HTTPForbidden,
    HTTPNotFound,
    HTTPRequestEntityTooLarge,
    HTTPUnauthorized,
    HTTPUnsupportedMediaType,
)
from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.tracker.api.auth import ApiClient, find_client
from streaming_system.tracker.captions.captions import LANGUAGE_TTL, PushedLine
from streaming_system.tracker.captions.cues import Cue, format_text, format_webvtt
from streaming_system.tracker.models.caption import MAX_CAPTION_CHARS
from streaming_system.tracker.schemas.captions import LANGUAGE_FIELD, CaptionPushSchema
from streaming_system.tracker.views.api.serialization import format_utc
from streaming_system.util.sanitize import sanitise_text
from streaming_system.util.validation import InvalidValueError, Rfc3339DateTime, describe_invalid

MAX_BODY_BYTES = 16 * 1024
# The times that a captioner's program sends may be off by its clock, or of a line that it repeats.
MAX_AGE = timedelta(days=1)
MAX_LEAD = timedelta(minutes=1)
MAX_TRANSCRIPT_LENGTH = timedelta(hours=24)
_DIGITS = re.compile(r"[0-9]{1,16}", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,4}\.[0-9]{1,6}", re.ASCII)
# Behind a cache, any number of players costs one query per second.
LIVE_CACHE_CONTROL = (1, {"public": True, "stale_while_revalidate": 1})
TRANSCRIPT_CACHE_CONTROL = (5, {"public": True, "stale_while_revalidate": 5})


@view_config(route_name="captions.push", request_method="POST", http_cache=0)
def push_captions(request: Any) -> Response:
    """Store a line of captions; respond with the time here, by which a captioner sets its clock."""
    room = _authorise(request)
    line = _parse_line(request)
    request.captions.push(room, line, now=request.now)
    return _text_response(f"{format_utc(request.now)}\n")


@view_config(route_name="captions.seq", http_cache=0)
def last_seq(request: Any) -> Response:
    """Return the number of the latest line, with which a captioner's program continues."""
    room = _authorise(request)
    language = _parse_language(request.GET.get("lang", ""))
    return _text_response(f"{request.captions.last_seq(room, language, now=request.now)}\n")


@view_config(route_name="captions.live", http_cache=LIVE_CACHE_CONTROL)
def live_captions(request: Any) -> Response:
    """Return the lines of the last minute, in all languages. All viewers share the response."""
    room = _require_room(request)
    cues = request.captions.live(room, now=request.now)
    return _json_response(
        {
            "languages": list(request.captions.languages(room, request.now - LANGUAGE_TTL)),
            "lines": [{**_cue_json(cue), "language": cue.language} for cue in cues],
        }
    )


@view_config(route_name="captions.transcript", http_cache=TRANSCRIPT_CACHE_CONTROL)
def transcript(request: Any) -> Response:
    """Return the lines in one language between two times, as JSON, WebVTT or text."""
    # A room of a conference that is over is no longer in the configuration.
    room = request.matchdict["room"]
    start, end = _parse_span(request)
    languages = list(request.captions.languages(room, start, end))
    language = _parse_language(request.GET.get("lang", "")) or next(iter(languages), "")
    cues = request.captions.transcript(room, language, start, end) if language else []
    cues = _without_unrecorded_talks(request, room, cues)
    file_format = request.matchdict["format"]
    if file_format == "vtt":
        response = Response(format_webvtt(cues, start), content_type="text/vtt", charset="utf-8")
    elif file_format == "txt":
        response = _text_response(format_text(cues, start))
    else:
        response = _json_response(
            {
                "language": language,
                "languages": languages,
                "lines": [_cue_json(cue) for cue in cues],
            }
        )
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def _without_unrecorded_talks(request: Any, room: str, cues: Sequence[Cue]) -> Sequence[Cue]:
    """Leave out the lines of talks that must not be recorded."""
    schedule = request.registry["schedule"]
    of_room = schedule.current().rooms.get(room) if schedule else None
    unrecorded = [slot for slot in (of_room.slots if of_room else ()) if slot.do_not_record]
    return [cue for cue in cues if not any(slot.is_on(cue.start) for slot in unrecorded)]


def _cue_json(cue: Cue) -> dict[str, Any]:
    return {
        "id": cue.id,
        "start": format_utc(cue.start),
        "end": format_utc(cue.end),
        "text": cue.text,
    }


def _authorise(request: Any) -> str:
    """Return the room of the address; the request needs a token for its captions."""
    room = _require_room(request)
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    in_query = request.GET.get("token", "")
    client = find_client(request, text.strip() if scheme.lower() == "bearer" else in_query)
    if client is None:
        raise HTTPUnauthorized(
            "the token is missing or not valid; the crew issues one for the captions of a room"
        )
    request.registry["limiter"].hit("captions", client.account)
    if not _covers(client, room, in_header=scheme.lower() == "bearer"):
        raise HTTPForbidden("this is no token for the captions of this room")
    return room


def _covers(client: ApiClient, room: str, *, in_header: bool) -> bool:
    """Return whether a token covers the captions of a room. Addresses get into logs of programs."""
    if client.scope == "captions":
        return client.room == room
    return client.scope == "crew" and in_header


def _require_room(request: Any) -> str:
    room: str = request.matchdict["room"]
    if room not in request.conference.rooms:
        raise HTTPNotFound("the conference has no room of that id")
    return room


def _parse_line(request: Any) -> PushedLine:
    members = _parse_query(request) | _parse_body(request)
    try:
        values = CaptionPushSchema().deserialize(members)
    except colander.Invalid as error:
        name, message = next(iter(error.asdict().items()))
        raise HTTPBadRequest(f"{name}: {message}") from None
    text = sanitise_text(values["text"], MAX_CAPTION_CHARS)
    start, end = values["start"], values["end"]
    for name, moment in (("start", start), ("end", end)):
        if moment and not request.now - MAX_AGE <= moment <= request.now + MAX_LEAD:
            raise HTTPBadRequest(f"{name}: allowed: a time of the last 24 hours")
    if end is not None and (start is None or end <= start):
        raise HTTPBadRequest("end: allowed: a time after start")
    return PushedLine(
        language=_normalise_language(
            values["lang"] or next(iter(request.conference.site.languages), "en")
        ),
        seq=values["seq"],
        text=text,
        start=start,
        end=end,
        delay=timedelta(seconds=values["delay"]),
    )


def _parse_query(request: Any) -> dict[str, Any]:
    """Return what the address says of the line."""
    # Other parameters are ignored: programs add their own.
    texts = {name: request.GET.get(name, "") for name in ("lang", "seq", "delay")}
    return {name: _parse_number(text) for name, text in texts.items() if text}


def _parse_number(text: str) -> int | float | str:
    """Return the number in a text, or the text if it has none."""
    if _DIGITS.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text


def _parse_body(request: Any) -> dict[str, Any]:
    """Return the line in the body: text, or an object."""
    length = request.content_length
    if length is None or length > MAX_BODY_BYTES:
        raise HTTPRequestEntityTooLarge(f"allowed: a body of {MAX_BODY_BYTES} bytes")
    if "Content-Encoding" in request.headers:
        raise HTTPUnsupportedMediaType("allowed: a body that is not compressed")
    request.request_body_tempfile_limit = MAX_BODY_BYTES
    try:
        text = request.body.decode()
    except UnicodeDecodeError as error:
        raise HTTPBadRequest(f"the body is not UTF-8 at byte {error.start}") from None
    if request.content_type != "application/json":
        return {"text": text}
    try:
        members = json.loads(text)
    except (ValueError, RecursionError):
        raise HTTPBadRequest("the body is not JSON") from None
    if not isinstance(members, dict):
        raise HTTPBadRequest("the body: allowed: an object with the member text")
    return members


def _parse_language(text: str) -> str:
    """Return a language tag, or ""."""
    try:
        return _normalise_language(LANGUAGE_FIELD.validate(text)) if text else ""
    except InvalidValueError as error:
        raise HTTPBadRequest(f"lang {describe_invalid(text, error.allowed)}") from None


def _normalise_language(tag: str) -> str:
    """Return a tag as it is usually written: en, pt-BR, zh-Hant."""
    language, *subtags = tag.split("-")
    cased = [part.upper() if len(part) == 2 else part.title() for part in subtags]
    return "-".join([language.lower(), *cased])


def _parse_span(request: Any) -> tuple[datetime, datetime]:
    moments = []
    for name in ("start", "end"):
        text = request.GET.get(name, "")
        try:
            moments.append(Rfc3339DateTime().validate(text))
        except InvalidValueError as error:
            raise HTTPBadRequest(f"{name} {describe_invalid(text, error.allowed)}") from None
    start, end = moments
    if not start < end <= start + MAX_TRANSCRIPT_LENGTH:
        raise HTTPBadRequest("end: allowed: a time up to 24 hours after start")
    return start, end


def _json_response(value: dict[str, Any]) -> Response:
    body = json.dumps(value).encode()
    response = Response(
        body,
        content_type="application/json",
        etag=hashlib.sha256(body).hexdigest()[:32],
        conditional_response=True,
    )
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def _text_response(text: str) -> Response:
    response = Response(text, content_type="text/plain", charset="utf-8")
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response
