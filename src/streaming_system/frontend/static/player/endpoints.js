// Which servers have a room's streams, and which of them is next.

/** Return what the tracker says of a room's servers; null if it says nothing in time. */
export async function ask(list, milliseconds) {
  try {
    const answer = await fetch(list, { credentials: "omit", signal: AbortSignal.timeout(milliseconds) });
    if (!answer.ok) return null;
    const told = await answer.json();
    const elsewhere = told.fallbacks.filter(({ kind }) => kind === "url");
    return {
      servers: [
        ...told.endpoints.map(({ name, url, formats, weight }) => ({ name, url, formats, weight })),
        // These are tried in their order when all others have failed.
        ...elsewhere.map(({ url }) => ({ name: "cdn", url, formats: null, weight: -1 })),
      ].filter(({ url }) => /^https?:/.test(url)),
      youtube: told.fallbacks.find(({ kind }) => kind === "youtube")?.youtube ?? "",
    };
  } catch {
    return null;
  }
}

/** Return the streams of a server that this browser may be able to play, best first. */
export function sourcesOf(server, kinds, canPlay) {
  const fitting = kinds.filter(([stream, , type, , extra]) => serves(server, stream, extra) && canPlay(type));
  return fitting.map(([stream, file, type, label, extra]) => {
    const [format, quality = ""] = stream.split("_");
    const audio = type.startsWith("audio/");
    return { server: server.name, url: server.url + file, stream, format, quality, type, label, audio, extra };
  });
}

/** The same rule as on the server: whoever does not say what it has is of the old protocol. Extras are always said. */
function serves({ formats }, stream, extra) {
  if (extra) return formats?.includes(stream) ?? false;
  if (formats === null) return true;
  const [format] = stream.split("_");
  if (formats.length === 0) return format !== "hls";
  const named = formats.includes(format) || (format === "ogg" && formats.includes("opus"));
  return formats.includes(stream) || (named && !stream.endsWith("_low"));
}

/** Tell whether a source has the picture that everybody gets. */
export function isPicture({ extra, audio }) {
  return !extra && !audio;
}

/** Return the sources of sound alone. What a CDN may have of it is a guess, for where there is nobody else. */
export function soundsOf(offers) {
  const told = offers.filter(({ server }) => server.weight >= 0);
  return (told.length ? told : offers).flatMap(({ sources }) => sources).filter(({ audio }) => audio);
}

/** Return one server, each by its weight; weight 0 and less only where there is no other. */
export function draw(servers, chance = Math.random) {
  const total = servers.reduce((sum, { weight }) => sum + Math.max(0, weight), 0);
  let left = chance() * total;
  for (const server of servers) {
    left -= Math.max(0, server.weight);
    if (left < 0) return server;
  }
  return [...servers].sort((a, b) => b.weight - a.weight)[0] ?? null;
}

/**
 * Return the stream to try next; null if all have failed.
 *
 * A server of which nothing has failed comes before another format of one that has trouble. Sound alone comes after
 * every picture, unless none of the tracker's servers has one: what a CDN would have is only a guess. Extras (slides,
 * WHEP) are for whoever wishes one, and where there is nothing else. Who wishes sound alone gets another sound first.
 */
export function nextSource(offers, failed, { quality, extra }) {
  const left = (wanted) => offers
    .map(({ server, sources }) => ({ server, weight: server.weight, sources, left: sources.filter((s) => !failed.has(s.url) && wanted(s)) }))
    .filter((offer) => offer.left.length > 0);
  const isWished = ({ stream }) => stream === extra;
  const hasPicture = offers.some(({ server, sources }) => server.weight >= 0 && sources.some(isPicture));
  const wantsSound = soundsOf(offers).some(isWished);
  const wishes = [
    isWished,
    (source) => wantsSound && source.audio,
    (source) => hasPicture && isPicture(source),
    (source) => !source.extra,
    () => true,
  ];
  const open = wishes.map(left).find(({ length }) => length > 0) ?? [];
  const untried = open.filter(({ sources }) => !sources.some(({ url }) => failed.has(url)));
  const chosen = draw(untried.length ? untried : open);
  if (!chosen) return null;
  const [first] = chosen.left;
  if (first.format === "hls") return first;
  return chosen.left.find(({ stream }) => stream === quality) ?? first;
}
