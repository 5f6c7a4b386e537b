#!/bin/sh
# Publishes the room hall. The arguments are the input of ffmpeg: sh hall.sh -re -i FILE
exec ffmpeg -nostdin -loglevel warning "$@" \
    -c:v libvpx -deadline realtime -cpu-used 8 -pix_fmt yuv420p -b:v 1200k -g 25 \
    -c:a libopus -b:a 64k \
    -f webm -cluster_size_limit 8M -cluster_time_limit 10000 -content_type video/webm \
    'icecast://source:PASSWORD-OF-hall@127.0.0.1:8000/hall/webcast-high.webm'
