#!/bin/sh
# Publishes the room {{ room }}. The arguments are the input of ffmpeg: sh {{ room }}.sh -re -i FILE
# It starts again after an error, such as a restart of the server, until the input ends.
trap 'kill $! 2>/dev/null; exit 0' INT TERM
while :; do
    ffmpeg -nostdin -loglevel warning "$@" \
{% for output in outputs %}
{% for line in output.options %}
        {{ line }} \
{% endfor %}
        '{{ output.url }}'{{ " \\" if not loop.last else " &" }}
{% endfor %}
    wait $! && exit
    sleep 2 &
    wait $!
done
