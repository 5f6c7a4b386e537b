#!/bin/sh
# Publishes the room hall. The arguments are the input of ffmpeg: sh hall.sh -re -i FILE
exec ffmpeg -nostdin -loglevel warning "$@" \
    -c:v libx264 -preset veryfast -pix_fmt yuv420p -g 50 \
    -b:v 2500k -maxrate 2500k -bufsize 5000k \
    -c:a aac -b:a 128k -ar 48000 -f flv \
    'rtmp://127.0.0.1:1935/live/hall'
