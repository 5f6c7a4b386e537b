"""A process that writes an access log like a web server. stdin controls it.

It writes numbered lines in the combined format until stdin closes. Like nginx, it holds its log
open in append mode; any input makes it reopen the log by name and print the number of lines so far.
"""

import os
import sys
import time
from datetime import UTC, datetime


def main(path, name, pause):
    os.set_blocking(0, False)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    log = os.open(path, flags, 0o644)
    number = 0
    while True:
        now = datetime.now(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
        line = f'192.0.2.7 - - [{now}] "GET /{name}/{number} HTTP/1.1" 200 1000 "-" "VLC"\n'
        os.write(log, line.encode())
        number += 1
        try:
            command = os.read(0, 100)
        except BlockingIOError:
            command = None
        if command == b"":
            os.write(1, f"{number}\n".encode())
            return
        if command:
            os.close(log)
            log = os.open(path, flags, 0o644)
            os.write(1, f"{number}\n".encode())
        time.sleep(pause)


main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
