// One player of the site has the sound: a second one, in another tab or on the wall of rooms, takes it over.

export function shareSound(player, signal) {
  if (!("BroadcastChannel" in window)) return;
  const { video } = player;
  const channel = new BroadcastChannel("sound");
  let isAudible = false;
  const update = () => {
    const wasAudible = isAudible;
    isAudible = !video.paused && !video.muted && video.volume > 0;
    if (isAudible && !wasAudible) channel.postMessage("taken");
  };
  channel.onmessage = () => { if (isAudible) player.yieldSound(); };
  for (const name of ["play", "pause", "volumechange"]) video.addEventListener(name, update, { signal });
  signal.addEventListener("abort", () => channel.close());
  update();
}
