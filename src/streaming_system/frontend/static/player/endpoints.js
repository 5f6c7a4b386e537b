// The endpoints of a room, and the choice of the next one.

/** Return the tracker's list of a room's endpoints; null if it does not respond in time. */
export async function fetchEndpoints(list, milliseconds) {
  try {
    const response = await fetch(list, { credentials: "omit", signal: AbortSignal.timeout(milliseconds) });
    if (!response.ok) return null;
    const { endpoints, fallbacks } = await response.json();
    const cdns = fallbacks.filter(({ kind }) => kind === "url");
    return {
      servers: [
        ...endpoints.map(({ name, url, formats, files, weight }) => ({ name, url, formats, files, weight })),
        // Fallback URLs follow in their order when all endpoints have failed.
        ...cdns.map(({ url, formats = null, files = {} }) => ({ name: "cdn", url, formats, files, weight: -1 })),
      ].filter(({ url }) => /^https?:/.test(url)),
      youtube: fallbacks.find(({ kind }) => kind === "youtube")?.youtube ?? "",
    };
  } catch {
    return null;
  }
}

/** Return the streams of an endpoint that this browser may be able to play, best first. */
export function sourcesOf(server, formats, canPlay) {
  const playable = formats.filter(([stream, , type, , extra]) => hasStream(server, stream, extra) && canPlay(type));
  return playable.map(([stream, file, type, label, extra]) => {
    const [format, quality = ""] = stream.split("_");
    const audio = type.startsWith("audio/");
    return { server: server.name, url: server.url + pathOf(server, stream, file), stream, format, quality, type, label, audio, extra };
  });
}

/** Return the path of a stream below an endpoint's base URL: the one that it reports, or the conventional one. */
function pathOf({ files }, stream, file) {
  const [format] = stream.split("_");
  const names = [stream];
  if (!stream.endsWith("_low")) names.push(`${format}_high`, format);
  if (format === "ogg") names.push("opus");
  return names.map((name) => files?.[name]).find((path) => typeof path === "string") ?? file;
}

/**
 * Whether an endpoint has a stream. The server has the same rule: endpoints of the legacy protocol do not list their
 * formats, and have all except HLS; optional streams (extra) must be listed.
 */
function hasStream({ formats }, stream, extra) {
  if (extra) return formats?.includes(stream) ?? false;
  if (formats === null) return true;
  const [format] = stream.split("_");
  if (formats.length === 0) return format !== "hls";
  const isListed = formats.includes(format) || (format === "ogg" && formats.includes("opus"));
  return formats.includes(stream) || (isListed && !stream.endsWith("_low"));
}

/** Whether a source is the main video stream, neither optional nor sound alone. */
export function isMainVideo({ extra, audio }) {
  return !extra && !audio;
}

/** Return the sources of sound alone. Those of a CDN are a guess, used only without endpoints. */
export function soundsOf(available) {
  const listed = available.filter(({ server }) => server.weight >= 0);
  return (listed.length ? listed : available).flatMap(({ sources }) => sources).filter(({ audio }) => audio);
}

/** Pick a random endpoint by weight; an endpoint of weight 0 or less only if there is no other. */
export function pickWeighted(servers, random = Math.random) {
  const total = servers.reduce((sum, { weight }) => sum + Math.max(0, weight), 0);
  let rest = random() * total;
  for (const server of servers) {
    rest -= Math.max(0, server.weight);
    if (rest < 0) return server;
  }
  return [...servers].sort((a, b) => b.weight - a.weight)[0] ?? null;
}

/**
 * Return the source to try next; null if all have failed.
 *
 * Endpoints without a failed source are preferred to another format of an endpoint with one. Sound alone follows all
 * video, unless only CDNs might have video. Optional streams (slides, WHEP) are used if preferred, or if nothing else
 * is left. After a preferred sound alone, other sounds follow.
 */
export function nextSource(available, failed, { quality, extra }) {
  const untriedSources = (isAccepted) => available
    .map(({ server, sources }) => ({ server, weight: server.weight, sources, untried: sources.filter((s) => !failed.has(s.url) && isAccepted(s)) }))
    .filter(({ untried }) => untried.length > 0);
  const isPreferred = ({ stream }) => stream === extra;
  const hasVideo = available.some(({ server, sources }) => server.weight >= 0 && sources.some(isMainVideo));
  const prefersSound = soundsOf(available).some(isPreferred);
  const criteria = [
    isPreferred,
    (source) => prefersSound && source.audio,
    (source) => hasVideo && isMainVideo(source),
    (source) => !source.extra,
    () => true,
  ];
  const candidates = criteria.map(untriedSources).find(({ length }) => length > 0) ?? [];
  const healthy = candidates.filter(({ sources }) => !sources.some(({ url }) => failed.has(url)));
  const endpoint = pickWeighted(healthy.length ? healthy : candidates);
  if (!endpoint) return null;
  const [first] = endpoint.untried;
  if (first.format === "hls") return first;
  return endpoint.untried.find(({ stream }) => stream === quality) ?? first;
}
