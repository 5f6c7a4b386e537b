// What scripts say, in the language of the page. The page names the catalogue; English needs none.

const LONGEST_WAIT = 3000;
const address = document.documentElement.dataset.words;
const kinds = new Intl.PluralRules(document.documentElement.lang);
const catalogue = address ? await read() : {};

async function read() {
  try {
    const answer = await fetch(address, { signal: AbortSignal.timeout?.(LONGEST_WAIT) });
    return answer.ok ? await answer.json() : {};
  } catch {
    // English is better than a page that does nothing.
    return {};
  }
}

function fill(words, values) {
  return words.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** Return words in the page's language; {name} in them is the value of that name. */
export function t(words, values = {}) {
  return fill(catalogue[words] ?? words, values);
}

/** Return the words that fit a number, which is their {count}. */
export function n(one, many, count, values = {}) {
  const english = count === 1 ? one : many;
  return fill(catalogue[one]?.[kinds.select(count)] ?? catalogue[one]?.other ?? english, { count, ...values });
}
