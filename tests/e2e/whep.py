"""A WHEP endpoint: a page in Chromium sends, and a small server relays SDP offers and answers."""

import json
import queue
import threading
from http.server import SimpleHTTPRequestHandler
from itertools import count
from pathlib import Path

from .stream import Origin, OriginHandler

# Draws moving images, and answers SDP offers while the page is open.
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
  const media = canvas.captureStream(20);
  window.sessions = new Map();
  const answer = async ({ id, sdp }) => {
    const connection = new RTCPeerConnection();
    sessions.set(id, connection);
    await connection.setRemoteDescription({ type: 'offer', sdp });
    for (const track of media.getTracks()) connection.addTrack(track, media);
    await connection.setLocalDescription();
    while (connection.iceGatheringState !== 'complete') {
      await new Promise((resolve) => { connection.onicegatheringstatechange = resolve; });
    }
    await fetch(`/answers/${id}`, { method: 'POST', body: connection.localDescription.sdp });
  };
  const serve = async () => {
    while (true) {
      const message = await (await fetch('/offers')).json();
      if (message.sdp) await answer(message);
      else if (message.left) { sessions.get(message.left)?.close(); sessions.delete(message.left); }
    }
  };
  serve();
}"""


class WhepOrigin(Origin):
    """An origin server that also has WHEP while a sender is open."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.handler = WhepHandler
        self.offers: queue.Queue[dict] = queue.Queue()
        self.responses: dict[str, queue.Queue[str]] = {}
        self.numbers = count(1)
        self.sessions: set[str] = set()
        self.has_sender = threading.Event()

    def open_sender(self, browser):
        """Open the page that sends."""
        page = browser.new_context().new_page()
        page.goto(self.url + "sender")
        page.evaluate(SENDER_SCRIPT)
        self.has_sender.set()
        return page


class WhepHandler(OriginHandler, SimpleHTTPRequestHandler):
    def do_OPTIONS(self):
        self._respond(204)

    def do_GET(self):
        if self.path == "/sender":
            self._respond(200, b"<!DOCTYPE html><title>Sender</title>", "text/html")
        elif self.path == "/offers":
            try:
                message = self.origin.offers.get(timeout=0.5)
            except queue.Empty:
                message = {}
            self._respond(200, json.dumps(message).encode(), "application/json")
        else:
            super().do_GET()

    def do_POST(self):
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path.startswith("/answers/"):
            self.origin.responses[self.path.removeprefix("/answers/")].put(text)
            self._respond(204)
            return
        self.origin.requested_paths.append(f"POST {self.path}")
        if self.path != "/whep" or not self.origin.has_sender.is_set():
            self._respond(404)
            return
        number = str(next(self.origin.numbers))
        self.origin.responses[number] = queue.Queue()
        self.origin.offers.put({"id": number, "sdp": text})
        sdp = self.origin.responses[number].get(timeout=5)
        self.origin.sessions.add(number)
        self._respond(201, sdp.encode(), "application/sdp", Location=f"/sessions/{number}")

    def do_DELETE(self):
        number = self.path.removeprefix("/sessions/")
        self.origin.sessions.discard(number)
        self.origin.offers.put({"left": number})
        self._respond(200)

    def _respond(self, status, body=b"", media_type="text/plain", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Access-Control-Allow-Methods", "POST, DELETE")
        self.send_header("Access-Control-Allow-Headers", "Content-Type")
        self.send_header("Access-Control-Expose-Headers", "Location")
        self.end_headers()
        self.wfile.write(body)
