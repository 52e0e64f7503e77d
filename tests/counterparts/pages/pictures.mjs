// What the documentation shows: eight pages in Swedish and in English, each a picture of the window.
import fs from 'node:fs';
import path from 'node:path';
import { base, button, day, enter, field, heading, main, ok, person, pictures, same, says, story } from './stage.mjs';

const ROGER = 'roger.mattsson@bjorkbacken.example';
const EVA = 'eva.nystrom@bjorkbacken.example';

await story(async () => {
  const plan = await prepare();
  for (const language of ['sv', 'en']) {
    fs.mkdirSync(path.join(pictures, language), { recursive: true });
    const page = await enter('Fatima El Amrani', { language, viewport: { width: 1280, height: 680 } });
    const roger = await person(page, ROGER);
    const shown = {
      start: '/', people: `/people?who=able&signed=since&day=${day(14)}`, rights: `${roger}/rights`, limits: `${roger}/limits`,
      why: `${roger}/why?action=view&component=lease&item=avtal-8`, plan, queue: '/queue', audit: '/audit',
    };
    let bytes = 0;
    for (const [name, address] of Object.entries(shown)) {
      const answer = await page.goto(base + address);
      same(`${language}: ${name} is there`, [answer.status(), await page.evaluate(() => document.documentElement.lang)], [200, language]);
      const file = path.join(pictures, language, `${name}.png`);
      await page.screenshot({ path: file, animations: 'disabled' });
      bytes += fs.statSync(file).size;
    }
    ok(`${language}: the pictures weigh less than a megabyte`, bytes < 1_000_000, bytes);
  }
});

/** A plan that waits, and something in the queue for the other administrator. Gives the plan's address. */
async function prepare() {
  const page = await enter('Henrik Wallin');
  const eva = await person(page, EVA);
  await page.goto(`${base}${eva}/change/protect`);
  await field(page, 'Reason').fill('Håller registret öppet under revisionen');
  await page.locator('.decide form button').click();
  await page.waitForURL((url) => !url.pathname.includes('/change/'));
  await page.goto(`${base}/lifecycle`);
  await button(page, 'Make a plan now').click();
  same('a plan waits', await heading(page), 'A plan waits for a decision');
  const { pathname } = new URL(page.url());
  await page.goto(`${base}/queue`);
  says('the queue has the question of the protection', await main(page), 'Eva Nyström');
  return pathname;
}
