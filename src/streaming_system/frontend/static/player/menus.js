// What there is to choose at the moment, as menus show it.

import { t } from "../words.js";
import { isPicture, soundsOf } from "./endpoints.js";

/** The levels of HLS, or the formats of the server; and sound and slides alone where any server has them. */
export function qualities({ engine, source, offers, levels }) {
  if (!source) return none();
  const all = offers.flatMap(({ sources }) => sources);
  const alone = [
    ...filesOf(soundsOf(offers)),
    ...(has(offers, "slides") ? [{ id: "slides", label: t("Slides only") }] : []),
  ];
  if (source.extra || source.format === "hls" || (source.audio && all.some(({ format }) => format === "hls"))) {
    const pictures = levels.length ? levels : [{ id: "auto", label: t("Automatic") }];
    const isAlone = alone.some(({ id }) => id === source.stream);
    return atLeastTwo([...(all.some(isPicture) ? pictures : []), ...alone], isAlone ? source.stream : engine?.chosen ?? "auto");
  }
  const pictures = all.filter(isPicture);
  const own = pictures.filter(({ server }) => server === source.server);
  return atLeastTwo([...filesOf(own.length ? own : pictures), ...alone], source.stream);
}

/** Each kind of stream once, whoever has it. */
function filesOf(sources) {
  return [...new Map(sources.map(({ stream, label }) => [stream, { id: stream, label }])).values()];
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
