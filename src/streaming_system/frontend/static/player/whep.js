// WebRTC-HTTP egress (WHEP): one POST asks for the stream, one DELETE gives it back.

const ANSWER_WITHIN = 6000;
// Addresses of this device are found at once, or after a time that nobody wants to wait.
const GATHER_FOR = 500;
const LOOK_EVERY = 1000;

export class WhepEngine {
  constructor(video, source, choices, told) {
    Object.assign(this, { video, source, told });
    this.mark = null;
    this.clockRuns = true;
    this.dataAt = performance.now();
    this.received = 0;
    this.session = null;
    this.left = new AbortController();
    this.connection = new RTCPeerConnection();
    this.stream = new MediaStream();
    for (const kind of ["video", "audio"]) this.connection.addTransceiver(kind, { direction: "recvonly" });
    this.connection.ontrack = ({ track }) => this.stream.addTrack(track);
    this.connection.onconnectionstatechange = () => {
      if (this.connection.connectionState === "failed") told.fails();
    };
    video.dataset.quality = source.quality;
    video.srcObject = this.stream;
    this.looking = setInterval(() => this.looks(), LOOK_EVERY);
    // Whoever leaves the page leaves the server, too.
    addEventListener("pagehide", () => this.leave(), { signal: this.left.signal });
    this.asks().catch(() => { if (!this.left.signal.aborted) told.fails(); });
  }

  async asks() {
    const { connection } = this;
    await connection.setLocalDescription();
    await this.gathers();
    const answer = await fetch(this.source.url, {
      method: "POST",
      headers: { "Content-Type": "application/sdp" },
      body: connection.localDescription.sdp,
      credentials: "omit",
      signal: AbortSignal.timeout(ANSWER_WITHIN),
    });
    if (answer.status !== 201) throw new Error(`${this.source.url} answers ${answer.status}`);
    const session = answer.headers.get("Location");
    this.session = session && new URL(session, answer.url).href;
    // We may have left while the server thought about it.
    if (this.left.signal.aborted) return this.givesBack();
    await connection.setRemoteDescription({ type: "answer", sdp: await answer.text() });
  }

  gathers() {
    const { connection } = this;
    if (connection.iceGatheringState === "complete") return null;
    return new Promise((resolve) => {
      setTimeout(resolve, GATHER_FOR);
      connection.onicegatheringstatechange = () => { if (connection.iceGatheringState === "complete") resolve(); };
    });
  }

  /** Its clock goes on whatever comes: what has come tells whether it is there. */
  async looks() {
    let received = 0;
    for (const report of (await this.connection.getStats()).values()) {
      if (report.type === "inbound-rtp") received += report.bytesReceived;
    }
    if (received > this.received) this.dataAt = performance.now();
    this.received = received;
  }

  givesBack() {
    if (this.session) fetch(this.session, { method: "DELETE", credentials: "omit", keepalive: true }).catch(() => {});
    this.session = null;
  }

  qualities() {
    return [];
  }

  choose() {
    return false;
  }

  tracks() {
    const none = { options: [], chosen: "" };
    return { language: none, subtitles: none };
  }

  /** It is as new as it can be, and nothing of it is kept. */
  latency() {
    return null;
  }

  runs() {}

  hasPace() {
    return false;
  }

  behind() {
    return 0;
  }

  isBehind() {
    return false;
  }

  delay() {
    return 0;
  }

  toLive() {}

  rests() {
    this.givesBack();
    this.connection.close();
  }

  goesOn() {
    this.told.jumps();
  }

  leave() {
    this.left.abort();
    clearInterval(this.looking);
    this.givesBack();
    this.connection.close();
    this.video.srcObject = null;
  }
}
