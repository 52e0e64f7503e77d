// What every story stands on: browsers that are watched, people who sign in, and sentences that hold or end the story.
//   ui.sh run STORY.mjs BASE PICTURES    BASE is a demo's Portvakt, PICTURES a folder; in the environment PORTVAKT_CLI,
//   the daemon's command line as a JSON list, and SCIM_TOKEN, a token of its directory `entra`.
import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

export const [base, pictures] = process.argv.slice(2);
const SLOW = 20_000; // no single step of a page takes longer
const watched = new Map(); // page -> what went wrong on it
const people = new WeakMap(); // page -> who signed in on it
const name = path.basename(process.argv[1] ?? '', '.mjs');

/** Runs a story; when a sentence does not hold, every open page is kept as a picture. */
export async function story(tell) {
  try {
    await tell();
    for (const page of watched.keys()) calm(page);
  } catch (error) {
    let number = 0;
    for (const page of watched.keys()) {
      if (page.isClosed()) continue;
      number += 1;
      console.error(`        page ${number} is at ${page.url()}`);
      await page.screenshot({ path: path.join(pictures, `failed-${name}-${number}.png`) }).catch(() => {});
    }
    const place = (error.stack ?? '').split('\n').filter((line) => line.includes('/pages/') && !line.includes('stage.mjs')).slice(0, 2);
    console.error(`  ${error.message}\n${place.join('\n')}`);
    process.exitCode = 1;
  }
}

/** One assertion: prints the sentence, ends the story if it is not so. */
export function ok(sentence, holds, seen = '') {
  if (!holds) throw new Error(`NOT ${sentence}\n        seen: ${typeof seen === 'string' ? seen : JSON.stringify(seen)}`.slice(0, 1500));
  console.log(`  ok    ${sentence}`);
}
export const same = (sentence, seen, wanted) => ok(sentence, JSON.stringify(seen) === JSON.stringify(wanted), { seen, wanted });
export const says = (sentence, text, ...wanted) => ok(sentence, wanted.every((one) => (one instanceof RegExp ? one.test(text) : text.includes(one))), text);

/** Waits for something that the daemon does after its answer. */
export async function until(sentence, holds, seconds = 20) {
  const end = Date.now() + seconds * 1000;
  let seen = await holds();
  while (!seen && Date.now() < end) {
    await new Promise((wake) => setTimeout(wake, 300));
    seen = await holds();
  }
  ok(sentence, seen);
}

/** Signs in at the practice provider by a click on the name, and chooses the language. Gives the page. */
export async function enter(person, { directory = 'entra', language = 'en', at = '/', ...options } = {}) {
  const context = await browser.newContext({ locale: 'sv-SE', viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(SLOW);
  const page = await context.newPage();
  watch(page);
  people.set(page, person);
  await page.goto(`${base}/sso/login?directory=${directory}&return_to=%2F`);
  await pick(page, person);
  await page.goto(`${base}/language/${language}?back=${encodeURIComponent(at)}`);
  return page;
}
/** On the practice provider's page: clicks the person, and comes back. */
export async function pick(page, person) {
  await page.locator('button[name=person]').filter({ hasText: person }).click();
  await page.waitForURL(`${base}/**`);
}
/** Opens an address of Portvakt; where it asks for a fresh sign-in, signs in again first. Gives the answer. */
export async function visit(page, address) {
  const answer = await page.goto(base + address);
  if (page.url().startsWith(`${base}/`)) return answer;
  await pick(page, people.get(page));
  return page.goto(base + address);
}
/** Another page of the same browser. */
export async function beside(page) {
  const other = await page.context().newPage();
  watch(other);
  return other;
}

function watch(page) {
  const wrong = [];
  watched.set(page, wrong);
  const at = (url) => url.slice(base.length) || url;
  page.on('dialog', (dialog) => { wrong.push(`a dialog: ${dialog.message()}`); dialog.dismiss().catch(() => {}); });
  page.on('pageerror', (error) => wrong.push(`a script failed: ${error.message}`));
  page.on('console', (line) => {
    const isStatus = /^Failed to load resource/.test(line.text()); // told by its answer below
    if (['error', 'warning'].includes(line.type()) && !isStatus) wrong.push(`the console says: ${line.text()}`);
  });
  page.on('response', (answer) => {
    if (answer.status() >= 400) wrong.push(`${answer.status()} ${answer.request().method()} ${at(answer.url())}`);
  });
  page.on('request', (request) => {
    const address = new URL(request.url());
    const isOurs = request.url().startsWith(`${base}/`) || address.protocol === 'data:';
    const isSignIn = request.isNavigationRequest() && address.hostname === '127.0.0.1';
    if (!isOurs && !isSignIn) wrong.push(`asked elsewhere: ${request.url()}`);
  });
}
/** Nothing was wrong on the page: no dialog, nothing in the console, no failed answer, no request to elsewhere. */
export function calm(page) {
  const wrong = watched.get(page) ?? [];
  if (wrong.length) throw new Error(`NOT a calm page, ${page.url()}:\n        ${wrong.join('\n        ')}`);
}
/** What was refused on purpose: takes the answers with this status out of what went wrong. */
export function expected(page, status) {
  const wrong = watched.get(page) ?? [];
  watched.set(page, wrong);
  const kept = wrong.filter((line) => !line.startsWith(`${status} `));
  const taken = wrong.length - kept.length;
  wrong.splice(0, wrong.length, ...kept);
  return taken;
}

/** The daemon's own word: a command of it, as JSON where it gives JSON. */
export function told(...words) {
  const [program, ...first] = JSON.parse(process.env.PORTVAKT_CLI);
  const text = execFileSync(program, [...first, ...words], { encoding: 'utf8', timeout: 30_000, stdio: ['ignore', 'pipe', 'pipe'] });
  try { return JSON.parse(text); } catch { return text; }
}
export const account = (userName) => told('account', 'show', userName, '--format', 'json');

/** The mark that forms of this browser's session carry, made as its pages make it. */
export async function mark(page) {
  const cookie = (await page.context().cookies(base)).find((one) => one.name === 'portvakt' || one.name === '__Host-portvakt');
  const key = createHmac('sha256', cookie.value).update('portvakt: form').digest();
  return createHmac('sha256', key).update('').digest('base64url');
}
/** Sends a form by hand in this browser's session: a list of pairs, and the origin that it says it comes from. */
export function post(page, where, pairs, origin = base) {
  const headers = { 'content-type': 'application/x-www-form-urlencoded', ...(origin ? { origin } : {}) };
  return page.request.post(base + where, { headers, data: new URLSearchParams(pairs).toString(), maxRedirects: 0 });
}
/** What a form on the page would send, as pairs. */
export const fields = (form) => form.evaluate((one) => [...new FormData(one)].map(([key, value]) => [key, String(value)]));

/** The way to a person's page. */
export async function person(page, userName) {
  await page.goto(`${base}/people?who=all&q=${encodeURIComponent(userName)}`);
  return page.locator('#list tbody th a').first().getAttribute('href');
}
/** What the audit has of an action, the newest first: the rows of its page. */
export async function trail(page, action, subject = '') {
  const other = await beside(page);
  await other.goto(`${base}/audit?action=${action}&subject=${encodeURIComponent(subject)}`);
  const rows = await other.locator('tbody tr').allInnerTexts();
  await other.close();
  return rows;
}
export const field = (within, label) => within.getByLabel(label, { exact: true });
export const button = (within, words) => within.getByRole('button', { name: words });
export const main = (page) => page.locator('main').innerText();
export const heading = (page) => page.locator('h1').innerText();
export const note = (page) => page.locator('.note').first().innerText();
export const names = (page) => page.locator('#list tbody th a').allInnerTexts();
export const menu = (page, words) => page.locator('#nav').getByRole('link', { name: words }).click();
/** The date so many days ago, as forms write it. */
export const day = (ago) => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10);
export const picture = (page, file) => page.screenshot({ path: path.join(pictures, `${file}.png`) });
export const write = (file, text) => fs.writeFileSync(path.join(pictures, file), text);
