#!/bin/sh
# Publishes the room {{ room }}. The arguments are the input of ffmpeg: sh {{ room }}.sh -re -i FILE
exec ffmpeg -nostdin -loglevel warning "$@" \
{% for output in outputs %}
{% for line in output.options %}
    {{ line }} \
{% endfor %}
    '{{ output.url }}'{{ " \\" if not loop.last }}
{% endfor %}
