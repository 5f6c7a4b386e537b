// Why a browser refuses to load a stream at all: retries cannot help, but the viewer or the organisers can.

const PRIVATE_HOST = /^(localhost|127\.|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|169\.254\.|\[::1\]|\[f[cd]|.*\.local$)/;
const LOOPBACK_HOST = /^(localhost|127\.|\[::1\])/;

/** Return why the browser refuses a URL: "encryption" (mixed content), "local-network", or "" if it does not. */
export async function refusalOf(url, page = location) {
  const { protocol, hostname } = new URL(url, page.href);
  if (page.protocol === "https:" && protocol === "http:" && !LOOPBACK_HOST.test(hostname)) return "encryption";
  if (PRIVATE_HOST.test(hostname) && (await permission("local-network-access")) === "denied") return "local-network";
  return "";
}

async function permission(name) {
  try {
    return (await navigator.permissions.query({ name })).state;
  } catch {
    // The browser does not have this permission.
    return "granted";
  }
}
