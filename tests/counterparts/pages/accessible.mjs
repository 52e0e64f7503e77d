// Every kind of page, in both languages, light and dark, wide and as narrow as 320 pixels: WCAG 2.2 A and AA as axe-core
// tests them, one heading, a title, the language, nothing to scroll sideways, and no heavy document.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { base, enter, expected, ok, person, picture, story, visit, write } from './stage.mjs';
import { tour } from './tour.mjs';

const AXE = fs.readFileSync(createRequire(`${process.env.MODULES}/x.js`).resolve('axe-core/axe.min.js'), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const HEAVY = 100_000; // bytes
const WIDE = { width: 1280, height: 900 };
const NARROW = { width: 320, height: 700 };
// Each pair of language, light and width is met: four rounds instead of eight.
const ROUNDS = [
  { language: 'sv', colorScheme: 'light', viewport: WIDE },
  { language: 'sv', colorScheme: 'dark', viewport: NARROW },
  { language: 'en', colorScheme: 'dark', viewport: WIDE },
  { language: 'en', colorScheme: 'light', viewport: NARROW },
];
const NO = ['/people?signed=x', '/people/00000000-0000-7000-8000-000000000000', '/nowhere', '/sso/login', '/sso/logout', '/sso/signed-out'];

await story(async () => {
  const faults = [];
  let pages = [];
  for (const round of ROUNDS) {
    const name = `${round.language}, ${round.colorScheme}, ${round.viewport.width} pixels`;
    const page = await enter('Henrik Wallin', round);
    const before = faults.length;
    const look = async (address, answer) => faults.push(...(await judge(page, answer, round)).map((fault) => `${name}: ${address}: ${fault}`));
    if (pages.length === 0) {
      const roger = await person(page, 'roger.mattsson@bjorkbacken.example');
      const [hostile] = [await person(page, 'window.__xss')].filter(Boolean);
      const preview = `/people/change?do=freeze&id=${roger.split('/').at(-1)}`;
      const from = ['/reports/access', '/reports/runs', `${roger}/why?action=view&component=lease&item=avtal-8`, preview, roger, hostile, `${hostile}/limits`];
      await tour(page, { from, most: 70 }, async (address, answer) => {
        pages.push(address);
        await look(address, answer);
      });
    } else {
      for (const address of pages) await look(address, await visit(page, address));
    }
    for (const address of NO) await look(address, await page.goto(base + address));
    [400, 404].forEach((status) => expected(page, status));
    if (faults.length > before) await picture(page, `accessible-${round.language}-${round.colorScheme}`);
    await page.context().close();
    write('accessible.txt', faults.join('\n'));
    console.log(`        ${name}: ${pages.length + NO.length} pages, ${faults.length - before} faults`);
  }
  ok(`${pages.length + NO.length} pages, four ways each, have no fault`, pages.length >= 30 && faults.length === 0, faults.join('\n        '));
});

/** What is wrong with the page that stands open. */
async function judge(page, answer, { language, viewport }) {
  const faults = [];
  const seen = await page.evaluate(() => ({
    lang: document.documentElement.lang, headings: document.querySelectorAll('h1').length, title: document.title,
    wide: document.documentElement.scrollWidth,
  }));
  if (seen.lang !== language) faults.push(`its language is ${seen.lang}`);
  if (seen.headings !== 1) faults.push(`${seen.headings} first headings`);
  if (!/^\S.* – Portvakt$/.test(seen.title)) faults.push(`its title is ${seen.title}`);
  if (seen.wide > viewport.width) faults.push(`scrolls sideways: ${seen.wide} in ${viewport.width} pixels`);
  const bytes = Number(answer.headers()['content-length'] ?? (await answer.body()).length);
  if (bytes > HEAVY) faults.push(`weighs ${bytes} bytes`);
  await page.evaluate(AXE);
  const found = await page.evaluate((tags) => globalThis.axe.run({ runOnly: tags, resultTypes: ['violations'] }), TAGS);
  for (const { id, impact, nodes } of found.violations) {
    faults.push(`${id} (${impact}), ${nodes.length} times: ${nodes[0].html.slice(0, 160)} ${nodes[0].failureSummary.replace(/\s+/g, ' ').slice(0, 200)}`);
  }
  return faults;
}
