"""Field types: each validates values of one kind, and describes the allowed ones in one phrase.

Settings, configurations, themes and the API share them. A field raises
:class:`InvalidValueError`; the caller adds where the value was:
``KEY in the ini file is 'x'; allowed: a whole number, 1 to 5``.
"""

from streaming_system.util.validation.addresses import (
    StreamAddress,
    StreamUrl,
    WebAddress,
    csp_source,
    split_stream_url,
    suggest_absolute,
)
from streaming_system.util.validation.base import (
    Field,
    InvalidValueError,
    Nullable,
    describe_invalid,
    describe_value,
)
from streaming_system.util.validation.network import (
    FILE_ENDINGS,
    Host,
    RelativeUrl,
    Url,
    is_host,
)
from streaming_system.util.validation.numbers import (
    MAX_BITRATE,
    Bitrate,
    ByteSize,
    Flag,
    Integer,
    Number,
    is_number,
)
from streaming_system.util.validation.texts import (
    Choice,
    Identifier,
    ParsedText,
    PrintableText,
    RoomId,
    Text,
)
from streaming_system.util.validation.times import Rfc3339DateTime, TimeZone

__all__ = [
    "FILE_ENDINGS",
    "MAX_BITRATE",
    "Bitrate",
    "ByteSize",
    "Choice",
    "Field",
    "Flag",
    "Host",
    "Identifier",
    "Integer",
    "InvalidValueError",
    "Nullable",
    "Number",
    "ParsedText",
    "PrintableText",
    "RelativeUrl",
    "Rfc3339DateTime",
    "RoomId",
    "StreamAddress",
    "StreamUrl",
    "Text",
    "TimeZone",
    "Url",
    "WebAddress",
    "csp_source",
    "describe_invalid",
    "describe_value",
    "is_host",
    "is_number",
    "split_stream_url",
    "suggest_absolute",
]
