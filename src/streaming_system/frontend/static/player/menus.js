// The options of the settings menus.

import { t } from "../i18n.js";
import { isMainVideo, soundsOf } from "./endpoints.js";

/** Return the options and the chosen one of each menu. */
export function buildMenus({ engine, source, available, levels, preferences }) {
  return {
    quality: qualities({ engine, source, available, levels }),
    delay: delays({ source, available, preferred: preferences.delay }),
    ...(engine?.tracks() ?? { language: none(), subtitles: none() }),
  };
}

/** The levels of HLS or the formats of the endpoint, and sound and slides alone if any endpoint has them. */
function qualities({ engine, source, available, levels }) {
  if (!source) return none();
  const all = available.flatMap(({ sources }) => sources);
  const alone = [
    ...streamOptions(soundsOf(available)),
    ...(hasOptional(available, "slides") ? [{ id: "slides", label: t("Slides only") }] : []),
  ];
  if (source.extra || source.format === "hls" || (source.audio && all.some(({ format }) => format === "hls"))) {
    const videos = levels.length ? levels : [{ id: "auto", label: t("Automatic") }];
    const isAlone = alone.some(({ id }) => id === source.stream);
    return menuOf([...(all.some(isMainVideo) ? videos : []), ...alone], isAlone ? source.stream : engine?.chosen ?? "auto");
  }
  const videos = all.filter(isMainVideo);
  const ofEndpoint = videos.filter(({ server }) => server === source.server);
  return menuOf([...streamOptions(ofEndpoint.length ? ofEndpoint : videos), ...alone], source.stream);
}

/** Return one option per stream, regardless of the endpoints that have it. */
function streamOptions(sources) {
  return [...new Map(sources.map(({ stream, label }) => [stream, { id: stream, label }])).values()];
}

/** The delays behind live. */
function delays({ source, available, preferred }) {
  if (!source) return none();
  const lowest = hasOptional(available, "whep") ? [{ id: "lowest", label: t("Lowest latency") }] : [];
  const steady = available.some(({ sources }) => sources.some(({ format }) => format === "hls"))
    ? [{ id: "steady", label: t("Higher, more stable") }] : [];
  const current = source.format === "whep" ? "lowest" : preferred === "steady" && steady.length ? "steady" : "low";
  return menuOf([...lowest, { id: "low", label: t("Normal") }, ...steady], current);
}

function hasOptional(available, stream) {
  return available.some(({ sources }) => sources.some((source) => source.extra && source.stream === stream));
}

function none() {
  return { options: [], chosen: "" };
}

/** A menu requires at least two options. */
function menuOf(options, chosen) {
  return options.length > 1 ? { options, chosen } : none();
}
