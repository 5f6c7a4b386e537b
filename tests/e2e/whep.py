"""A WHEP endpoint: a page of Chromium sends, and a small server hands offers and answers on."""

import json
import queue
import threading
from http.server import SimpleHTTPRequestHandler
from itertools import count
from pathlib import Path

from .stream import Origin, OriginHandler

# Draws a picture that moves, and answers offers for as long as the page is open.
SENDER_SCRIPT = """async () => {
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width: 160, height: 90 });
  const brush = canvas.getContext('2d');
  let step = 0;
  setInterval(() => {
    step += 1;
    brush.fillStyle = `hsl(${step * 7 % 360} 80% 50%)`;
    brush.fillRect(0, 0, 160, 90);
  }, 50);
  const picture = canvas.captureStream(20);
  window.sessions = new Map();
  const answer = async ({ id, sdp }) => {
    const connection = new RTCPeerConnection();
    sessions.set(id, connection);
    await connection.setRemoteDescription({ type: 'offer', sdp });
    for (const track of picture.getTracks()) connection.addTrack(track, picture);
    await connection.setLocalDescription();
    while (connection.iceGatheringState !== 'complete') {
      await new Promise((resolve) => { connection.onicegatheringstatechange = resolve; });
    }
    await fetch(`/answers/${id}`, { method: 'POST', body: connection.localDescription.sdp });
  };
  const serve = async () => {
    while (true) {
      const told = await (await fetch('/offers')).json();
      if (told.sdp) await answer(told);
      else if (told.left) { sessions.get(told.left)?.close(); sessions.delete(told.left); }
    }
  };
  serve();
}"""


class WhepOrigin(Origin):
    """A server of files that has the room by WHEP, too, while there is a sender."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.handler = WhepHandler
        self.offers: queue.Queue[dict] = queue.Queue()
        self.answers: dict[str, queue.Queue[str]] = {}
        self.numbers = count(1)
        self.open: set[str] = set()
        self.sends = threading.Event()

    def opens(self, browser):
        """Open the page that sends; close it, and nothing is sent any more."""
        page = browser.new_context().new_page()
        page.goto(self.url + "sender")
        page.evaluate(SENDER_SCRIPT)
        self.sends.set()
        return page


class WhepHandler(OriginHandler, SimpleHTTPRequestHandler):
    def do_OPTIONS(self):
        self.says(204)

    def do_GET(self):
        if self.path == "/sender":
            self.says(200, b"<!DOCTYPE html><title>Sender</title>", "text/html")
        elif self.path == "/offers":
            try:
                told = self.origin.offers.get(timeout=0.5)
            except queue.Empty:
                told = {}
            self.says(200, json.dumps(told).encode(), "application/json")
        else:
            super().do_GET()

    def do_POST(self):
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path.startswith("/answers/"):
            self.origin.answers[self.path.removeprefix("/answers/")].put(text)
            self.says(204)
            return
        self.origin.asked.append(f"POST {self.path}")
        if self.path != "/whep" or not self.origin.sends.is_set():
            self.says(404)
            return
        number = str(next(self.origin.numbers))
        self.origin.answers[number] = queue.Queue()
        self.origin.offers.put({"id": number, "sdp": text})
        answer = self.origin.answers[number].get(timeout=5)
        self.origin.open.add(number)
        self.says(201, answer.encode(), "application/sdp", Location=f"/sessions/{number}")

    def do_DELETE(self):
        number = self.path.removeprefix("/sessions/")
        self.origin.open.discard(number)
        self.origin.offers.put({"left": number})
        self.says(200)

    def says(self, status, body=b"", media="text/plain", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", media)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Access-Control-Allow-Methods", "POST, DELETE")
        self.send_header("Access-Control-Allow-Headers", "Content-Type")
        self.send_header("Access-Control-Expose-Headers", "Location")
        self.end_headers()
        self.wfile.write(body)
