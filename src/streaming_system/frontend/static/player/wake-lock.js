// The screen stays on while a picture plays. Browsers release the lock of a hidden page.

export function keepScreenOn({ video }, signal) {
  if (!navigator.wakeLock) return;
  let lock = null;
  let isRequested = false;
  const update = async () => {
    const isWanted = !video.paused && video.videoWidth > 0 && !document.hidden && !signal.aborted;
    if (!isWanted) {
      lock?.release();
      lock = null;
    } else if (!isRequested && (lock === null || lock.released)) {
      isRequested = true;
      // Devices with a low battery refuse.
      lock = await navigator.wakeLock.request("screen").catch(() => null);
      isRequested = false;
      if (video.paused || signal.aborted) update();
    }
  };
  for (const name of ["play", "playing", "pause", "emptied"]) video.addEventListener(name, update, { signal });
  document.addEventListener("visibilitychange", update, { signal });
  signal.addEventListener("abort", update);
  update();
}
