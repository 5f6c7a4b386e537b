#!/bin/sh
# Publishes the room hall. The arguments are the input of ffmpeg: sh hall.sh -re -i FILE
# It starts again after an error, such as a restart of the server, until the input ends.
trap 'kill $! 2>/dev/null; exit 0' INT TERM
while :; do
    ffmpeg -nostdin -loglevel warning "$@" \
        -c:v libx264 -preset veryfast -pix_fmt yuv420p -g 50 \
        -b:v 2500k -maxrate 2500k -bufsize 5000k \
        -c:a aac -b:a 128k -ar 48000 -f flv \
        'rtmp://127.0.0.1:1935/live/hall' &
    wait $! && exit
    sleep 2 &
    wait $!
done
