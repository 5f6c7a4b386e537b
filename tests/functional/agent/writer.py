"""A web server that does nothing but write its log: a process, told on stdin what to do.

It writes numbered lines of the combined format as fast as it is told to. As nginx does, it holds
its log open, in append mode, and opens the name anew at "reopen".
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
            told = os.read(0, 100)
        except BlockingIOError:
            told = None
        if told == b"":
            os.write(1, f"{number}\n".encode())
            return
        if told:
            os.close(log)
            log = os.open(path, flags, 0o644)
            os.write(1, f"{number}\n".encode())
        time.sleep(pause)


main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
