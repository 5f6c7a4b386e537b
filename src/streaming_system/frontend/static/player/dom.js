// DOM helpers of the player's controls.

const ICONS = {
  play: "M8 5v14l11-7z",
  pause: "M6 5h4v14H6zM14 5h4v14h-4z",
  sound: "M4 9v6h4l5 5V4L8 9zM16 8a5 5 0 0 1 0 8l-1-1.4a3.3 3.3 0 0 0 0-5.2zM18 5a9 9 0 0 1 0 14l-1-1.5a7.2 7.2 0 0 0 0-11z",
  silent: "M4 9v6h4l5 5V4L8 9zM15.4 9l-1.4 1.4L15.6 12 14 13.6l1.4 1.4L17 13.400l1.6 1.6 1.4-1.4L18.4 12l1.6-1.6L18.6 9 17 10.600z",
  picture: "M3 5h18v14H3zM5 7v10h14V7zM12 12h6v4h-6z",
  settings: "M4 6h8V4h2v2h6v2h-6v2h-2V8H4zM4 16h4v-2h2v2h10v2H10v2H8v-2H4z",
  headphones: "M12 4a8 8 0 0 0-8 8v6a2 2 0 0 0 2 2h3v-7H6v-1a6 6 0 0 1 12 0v1h-3v7h3a2 2 0 0 0 2-2v-6a8 8 0 0 0-8-8z",
  screen: "M3 5h18v14h-7v-2h5V7H5v3H3zM3 12a7 7 0 0 1 7 7H8a5 5 0 0 0-5-5zM3 16a3 3 0 0 1 3 3H3z",
  full: "M4 4h6v2H6v4H4zM14 4h6v6h-2V6h-4zM4 14h2v4h4v2H4zM18 14h2v6h-6v-2h4z",
};

export function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

export function icon(name) {
  const SVG = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = svg.appendChild(document.createElementNS(SVG, "path"));
  path.setAttribute("d", ICONS[name]);
  path.setAttribute("fill-rule", "evenodd");
  return svg;
}

export function iconButton(label, image, action) {
  const element = make("button", { type: "button", onclick: action });
  setIcon(element, label, image);
  return element;
}

/** Change the label and icon of a button, if they differ. */
export function setIcon(element, label, image) {
  if (element.title === label) return;
  element.title = label;
  element.setAttribute("aria-label", label);
  element.replaceChildren(icon(image));
}
