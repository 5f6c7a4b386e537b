// WebRTC-HTTP egress (WHEP): one POST starts the session, one DELETE ends it.

const REQUEST_TIMEOUT = 6000;
// ICE finds local addresses at once; waiting for others would delay the start.
const GATHERING_TIMEOUT = 500;
const STATS_INTERVAL = 1000;

export class WhepEngine {
  constructor(video, source, preferences, callbacks) {
    Object.assign(this, { video, source, callbacks });
    this.playlist = null;
    // The clock of a media stream runs even without data.
    this.hasFreeRunningClock = true;
    this.lastDataAt = performance.now();
    this.bytesReceived = 0;
    this.session = null;
    this.abortController = new AbortController();
    this.connection = new RTCPeerConnection();
    this.stream = new MediaStream();
    for (const kind of ["video", "audio"]) this.connection.addTransceiver(kind, { direction: "recvonly" });
    this.connection.ontrack = ({ track }) => this.stream.addTrack(track);
    this.connection.onconnectionstatechange = () => {
      if (this.connection.connectionState === "failed") callbacks.onFail();
    };
    video.dataset.quality = source.quality;
    video.srcObject = this.stream;
    this.statsTimer = setInterval(() => this.updateStats(), STATS_INTERVAL);
    addEventListener("pagehide", () => this.destroy(), { signal: this.abortController.signal });
    this.connect().catch(() => { if (!this.abortController.signal.aborted) callbacks.onFail(); });
  }

  async connect() {
    const { connection } = this;
    await connection.setLocalDescription();
    await this.gatherCandidates();
    const response = await fetch(this.source.url, {
      method: "POST",
      headers: { "Content-Type": "application/sdp" },
      body: connection.localDescription.sdp,
      credentials: "omit",
      signal: AbortSignal.timeout(REQUEST_TIMEOUT),
    });
    if (response.status !== 201) throw new Error(`${this.source.url}: status ${response.status}`);
    const session = response.headers.get("Location");
    this.session = session && new URL(session, response.url).href;
    // The engine may have been destroyed during the request.
    if (this.abortController.signal.aborted) return this.endSession();
    await connection.setRemoteDescription({ type: "answer", sdp: await response.text() });
  }

  gatherCandidates() {
    const { connection } = this;
    if (connection.iceGatheringState === "complete") return null;
    return new Promise((resolve) => {
      setTimeout(resolve, GATHERING_TIMEOUT);
      connection.onicegatheringstatechange = () => { if (connection.iceGatheringState === "complete") resolve(); };
    });
  }

  async updateStats() {
    let bytesReceived = 0;
    for (const report of (await this.connection.getStats()).values()) {
      if (report.type === "inbound-rtp") bytesReceived += report.bytesReceived;
    }
    if (bytesReceived > this.bytesReceived) this.lastDataAt = performance.now();
    this.bytesReceived = bytesReceived;
  }

  endSession() {
    if (this.session) fetch(this.session, { method: "DELETE", credentials: "omit", keepalive: true }).catch(() => {});
    this.session = null;
  }

  qualities() {
    return [];
  }

  /** Captions do not come with the stream. */
  choose(name) {
    return name === "subtitles";
  }

  tracks() {
    const none = { options: [], chosen: "" };
    return { language: none, subtitles: none };
  }

  /** WHEP has the lowest possible latency, and no buffer to seek in. */
  latency() {
    return null;
  }

  clockOffset() {
    return null;
  }

  setRate() {}

  canSetRate() {
    return false;
  }

  secondsBehind() {
    return 0;
  }

  isBehind() {
    return false;
  }

  targetDelay() {
    return 0;
  }

  seekToLive() {}

  suspend() {
    this.endSession();
    this.connection.close();
  }

  resume() {
    this.callbacks.onDiscontinuity();
  }

  destroy() {
    this.abortController.abort();
    clearInterval(this.statsTimer);
    this.endSession();
    this.connection.close();
    this.video.srcObject = null;
  }
}
