// What there is to choose at the moment, as menus show it.

import { t } from "../words.js";

/** The levels of HLS, or the formats of the server; and the slides alone where they are offered. */
export function qualities({ engine, source, offers, levels }) {
  if (!source) return none();
  const slides = has(offers, "slides") ? [{ id: "slides", label: t("Slides only") }] : [];
  const others = offers.some(({ sources }) => sources.some(({ extra }) => !extra));
  if (source.extra || source.format === "hls") {
    const pictures = levels.length ? levels : [{ id: "auto", label: t("Automatic") }];
    return atLeastTwo([...(others ? pictures : []), ...slides], source.stream === "slides" ? "slides" : engine?.chosen ?? "auto");
  }
  const offer = offers.find(({ server }) => server.name === source.server);
  const files = (offer?.sources ?? []).filter(({ extra }) => !extra).map(({ stream, label }) => ({ id: stream, label }));
  return atLeastTwo([...files, ...slides], source.stream);
}

/** How far behind live one wants to be. */
export function delays({ source, offers, wanted }) {
  if (!source) return none();
  const lowest = has(offers, "whep") ? [{ id: "lowest", label: t("Lowest delay") }] : [];
  const steady = offers.some(({ sources }) => sources.some(({ format }) => format === "hls"))
    ? [{ id: "steady", label: t("Longer, steadier") }] : [];
  const now = source.format === "whep" ? "lowest" : wanted === "steady" && steady.length ? "steady" : "low";
  return atLeastTwo([...lowest, { id: "low", label: t("Normal") }, ...steady], now);
}

function has(offers, stream) {
  return offers.some(({ sources }) => sources.some((source) => source.extra && source.stream === stream));
}

function none() {
  return { options: [], chosen: "" };
}

function atLeastTwo(options, chosen) {
  return options.length > 1 ? { options, chosen } : none();
}
