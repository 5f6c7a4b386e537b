#!/bin/sh
# Publishes the room hall. The arguments are the input of ffmpeg: sh hall.sh -re -i FILE
# It starts again after an error, such as a restart of the server, until the input ends.
trap 'kill $! 2>/dev/null; exit 0' INT TERM
while :; do
    ffmpeg -nostdin -loglevel warning "$@" \
        -c:v libvpx -threads 1 -deadline realtime -cpu-used 8 -pix_fmt yuv420p -b:v 1200k -g 25 \
        -c:a libopus -b:a 64k \
        -f webm -cluster_size_limit 8M -cluster_time_limit 10000 -content_type video/webm \
        'icecast://source:PASSWORD-OF-hall@127.0.0.1:8000/hall/webcast-high.webm' &
    wait $! && exit
    sleep 2 &
    wait $!
done
