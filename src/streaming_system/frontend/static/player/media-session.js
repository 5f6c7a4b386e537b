// The lock screen, headsets and media keys: they show the talk and control the player.

const DEFAULT_SKIP_SECONDS = 10;

export function showOnLockScreen(player, signal) {
  const { mediaSession } = navigator;
  if (!mediaSession) return;
  const { stage, video } = player;
  const text = (selector) => document.querySelector(selector)?.textContent.trim() ?? "";
  const update = () => {
    mediaSession.metadata = new MediaMetadata({
      title: text(".under h1") || text(".stage-cover strong") || document.title,
      artist: text(".under .speakers"),
      album: document.title,
      artwork: video.poster ? [{ src: video.poster }] : [],
    });
  };
  const skip = (sign) => ({ seekOffset }) => player.skip(sign * (seekOffset ?? DEFAULT_SKIP_SECONDS));
  const actions = {
    play: () => { if (video.paused) player.togglePlayback(); },
    pause: () => { if (!video.paused) player.togglePlayback(); },
    stop: () => player.supervisor.stop(),
    seekbackward: skip(-1),
    seekforward: skip(1),
  };
  const set = (name, action) => {
    try {
      mediaSession.setActionHandler(name, action);
    } catch {
      // The browser does not have this action.
    }
  };
  for (const [name, action] of Object.entries(actions)) set(name, action);
  for (const name of ["play", "pause"]) {
    video.addEventListener(name, () => { mediaSession.playbackState = video.paused ? "paused" : "playing"; }, { signal });
  }
  document.addEventListener("content-replaced", () => { if (stage.isConnected) update(); }, { signal });
  signal.addEventListener("abort", () => {
    for (const name of Object.keys(actions)) set(name, null);
    mediaSession.metadata = null;
  });
  update();
}
