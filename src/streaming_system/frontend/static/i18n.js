// Translates the messages of scripts. The page names the catalogue of its language; English needs none.

const REQUEST_TIMEOUT = 3000;
const catalogueUrl = document.documentElement.dataset.catalogue;
const pluralRules = new Intl.PluralRules(document.documentElement.lang);
const catalogue = catalogueUrl ? await fetchCatalogue() : {};

async function fetchCatalogue() {
  try {
    const response = await fetch(catalogueUrl, { signal: AbortSignal.timeout?.(REQUEST_TIMEOUT) });
    return response.ok ? await response.json() : {};
  } catch {
    // Fall back to English.
    return {};
  }
}

function interpolate(message, values) {
  return message.replace(/\{(\w+)\}/g, (placeholder, name) => values[name] ?? placeholder);
}

/** Return a message in the page's language; {name} in it is the value of that name. */
export function t(message, values = {}) {
  return interpolate(catalogue[message] ?? message, values);
}

/** Return the plural form for a number; {count} in it is the number. */
export function n(singular, plural, count, values = {}) {
  const english = count === 1 ? singular : plural;
  return interpolate(catalogue[singular]?.[pluralRules.select(count)] ?? catalogue[singular]?.other ?? english, { count, ...values });
}
