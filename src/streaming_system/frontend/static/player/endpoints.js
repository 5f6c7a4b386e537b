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
  return kinds.filter(([stream, , type]) => serves(server, stream) && canPlay(type)).map(([stream, file, type, label]) => {
    const [format, quality = ""] = stream.split("_");
    return { server: server.name, url: server.url + file, stream, format, quality, type, label, audio: type.startsWith("audio/") };
  });
}

/** The same rule as on the server: whoever does not say what it has is of the old protocol. */
function serves({ formats }, stream) {
  if (formats === null) return true;
  const [format] = stream.split("_");
  if (formats.length === 0) return format !== "hls";
  return formats.includes(stream) || (formats.includes(format) && !stream.endsWith("_low"));
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
 * A server of which nothing has failed comes before another format of one that has trouble.
 */
export function nextSource(offers, failed, wanted) {
  const open = offers.filter(({ sources }) => sources.some(({ url }) => !failed.has(url)));
  const untried = open.filter(({ sources }) => !sources.some(({ url }) => failed.has(url)));
  const chosen = draw((untried.length ? untried : open).map((offer) => ({ ...offer, weight: offer.server.weight })));
  if (!chosen) return null;
  const left = chosen.sources.filter(({ url }) => !failed.has(url));
  if (left[0].format === "hls") return left[0];
  return left.find(({ stream }) => stream === wanted) ?? left.find(({ audio }) => !audio) ?? left[0];
}
