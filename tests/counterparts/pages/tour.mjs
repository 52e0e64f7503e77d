// Walks through the console: from the menu and from given addresses, every link, each kind of page so many times.
import { base, ok, visit } from './stage.mjs';

const ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}|[0-9a-f]{40,}/g;
// They end the session, change the language or are files.
const ASIDE = /^\/(sso|language|assets|oauth2)\b|\/file$|\/export$/;

// One of several that are made alike.
const ALIKE = /\/(reports|directories|targets|versions)\/[^/]+/;

/** What kind of page an address is: its path without ids and names; for `fine` with names, and with those in its query. */
export function kind(address, fine) {
  const url = new URL(address, base);
  const path = url.pathname.replace(ID, '…');
  return fine ? `${path}?${[...new Set(url.searchParams.keys())].sort().join('&')}` : path.replace(ALIKE, '/$1/…');
}

/**
 * Visits pages and calls `look(address, answer)` on each; gives how many there were. `from` are addresses to begin with,
 * which are always visited; `most` bounds the walk; `each` is how often a kind of page is visited; `keep` says which
 * addresses are followed.
 */
export async function tour(page, { from = [], most = 100, each = 1, fine = false, keep = () => true }, look) {
  await page.goto(base);
  const places = await page.locator('#nav li a[href]').evaluateAll((all) => all.map((one) => one.getAttribute('href')));
  const first = [...places, ...from].filter((address) => !ASIDE.test(address));
  const [queue, known, kinds] = [[...first], new Set(first), new Map()];
  let count = 0;
  while (queue.length > 0 && count < most) {
    const address = queue.shift();
    const sort = kind(address, fine);
    const often = kinds.get(sort) ?? 0;
    if (often >= each && !first.includes(address)) continue;
    kinds.set(sort, often + 1);
    count += 1;
    const answer = await visit(page, address);
    if (answer.status() !== 200) ok(`${address} is answered with 200`, false, answer.status());
    await look(address, answer);
    for (const link of await links(page)) {
      if (known.has(link) || ASIDE.test(new URL(link, base).pathname) || !keep(link)) continue;
      known.add(link);
      queue.push(link);
    }
  }
  return count;
}

/** Where the page leads to within Portvakt, files that are taken along aside. */
async function links(page) {
  const all = await page.locator('a[href]:not([download])').evaluateAll((found) => found.map((one) => one.href));
  return all.filter((link) => link.startsWith(`${base}/`)).map((link) => link.slice(base.length).split('#')[0]);
}
