"""The playlists of talks that can be watched again. Their segments are those of the stream."""

from typing import Any

from pyramid.httpexceptions import HTTPNotFound
from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.frontend.http_cache import SCHEDULE_MAX_AGE
from streaming_system.frontend.page_cache import page_response, with_etag
from streaming_system.frontend.relive.sources import HlsSource
from streaming_system.frontend.relive.talk_playlist import MEDIA_TYPE
from streaming_system.frontend.relive.watch_again import FIRST_RESPONSE_TIMEOUT


@view_config(route_name="talk.recording", http_cache=SCHEDULE_MAX_AGE)
@view_config(route_name="talk.rendition", http_cache=SCHEDULE_MAX_AGE)
def talk_recording(request: Any) -> Response:
    """Return the playlist of a talk, or of one of its renditions."""
    name = request.matchdict["talk"]
    entry = request.schedule_views.find_talk(request.schedule, name)
    source = request.registry["talk_recordings"].sources.get(entry.room.id) if entry else None
    playlist = None
    has_begun = entry is not None and entry.talk.start <= request.now
    if isinstance(source, HlsSource) and has_begun and not entry.talk.do_not_record:
        playlist = source.render(
            entry.talk,
            request.now,
            request.matchdict.get("rendition", ""),
            request.route_path("talk.recording", talk=name).removesuffix(".m3u8"),
            FIRST_RESPONSE_TIMEOUT,
        )
    if playlist is None:
        raise HTTPNotFound(request.translate("there is no recording of this talk"))
    response = page_response(request, with_etag(playlist), MEDIA_TYPE)
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response
