// A token of a directory: made after a fresh sign-in, shown once, good at the door, revoked with a reason, and good no more.
import { base, button, enter, field, heading, main, menu, note, ok, pick, same, says, story, trail } from './stage.mjs';

const PERSON = 'Henrik Wallin';
const NAME = `Prov ${Date.now()}`;

await story(async () => {
  const page = await enter(PERSON);
  await menu(page, 'Directories and targets');
  await page.locator('main').getByRole('link', { name: 'Föreningen Björkbacken' }).click();
  await page.locator('.tabs').getByRole('link', { name: /^Tokens/ }).click();
  await page.getByRole('link', { name: 'Make a token' }).click();
  ok('who signed in without saying when must sign in again', !page.url().startsWith(`${base}/`), page.url());
  await pick(page, PERSON);
  await field(page, 'Name').fill(NAME);
  await button(page, 'Make and show').click();
  says('the token is shown, with a word of warning', await main(page), 'Copy it now. It is never shown again.', NAME);
  const token = (await page.locator('pre.code').first().innerText()).trim();
  ok('it is one', /^pv_\S{20,}$/.test(token), token.slice(0, 6));
  same('it opens the door of the directory', await door(token), 200);
  ok('the secret is not in the address', !page.url().includes(token.slice(0, 20)));

  await page.getByRole('link', { name: 'I have kept it' }).click();
  ok('afterwards no page shows it', !(await page.content()).includes(token));
  const row = page.locator('tbody tr').filter({ hasText: NAME });
  says('the list has its name', await row.innerText(), NAME);
  await row.getByRole('link').click();
  ok('nor does its own page', !(await page.content()).includes(token), await heading(page));

  const form = page.locator('#decide, .decide').locator('form').filter({ has: page.getByRole('button', { name: /^Revoke/ }) }).first();
  await form.getByLabel('Reason').fill('Bara ett prov');
  await form.getByRole('button').click();
  says('it is revoked', await note(page), 'Revoked: it opens nothing any more');
  same('and the door is closed to it', await door(token), 401);
  const entries = await trail(page, 'token_revoked');
  ok('the audit has who and why', entries.some((entry) => entry.includes(PERSON) && entry.includes('Bara ett prov')), entries);
  const all = await (await page.request.get(`${base}/audit/file?format=json`)).text();
  ok('and nowhere the secret', !all.includes(token));
});

/** What the directory's own door answers to the token. */
async function door(token) {
  const answer = await fetch(`${base}/scim/v2/entra/Users?count=1`, { headers: { authorization: `Bearer ${token}` }, signal: AbortSignal.timeout(10_000) });
  return answer.status;
}
