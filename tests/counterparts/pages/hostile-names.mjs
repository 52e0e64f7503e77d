// A directory whose people and groups are named by an attacker: every page that shows them is visited, and no script runs.
import { base, button, enter, field, main, ok, person, picture, same, story, until } from './stage.mjs';
import { tour } from './tour.mjs';

const SCIM = `${base}/scim/v2/entra`;
const CORE = 'urn:ietf:params:scim:schemas:core:2.0:';
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const CARETAKERS = '8a1c6f0e-0000-4000-8000-000000000005';
const HARM = '"><script>window.__xss=1</script><img src=x onerror="window.__xss=2"><svg/onload=window.__xss=3>\'-alert(4)-\'{{5*5}}${6}';
const TODAY = Date.now(); // makes every run's people new
const bad = (what) => `${what} ${HARM}`;

await story(async () => {
  const page = await enter('Henrik Wallin');
  const boss = await scim('POST', '/Users', user('boss', {}));
  const worker = await scim('POST', '/Users', user('worker', { manager: { value: boss.id, displayName: bad('Chef') } }));
  ok('the directory pushes two people whose every attribute would do harm', Boolean(boss.id && worker.id));
  const [group] = (await scim('GET', `/Groups?filter=${encodeURIComponent(`externalId eq "${CARETAKERS}"`)}`)).Resources;
  await scim('PATCH', `/Groups/${group.id}`, patch([
    { op: 'replace', path: 'displayName', value: bad('Grupp') },
    { op: 'add', path: 'members', value: [{ value: worker.id }, { value: boss.id }] },
  ]));
  await scim('POST', '/Groups', { schemas: [`${CORE}Group`], displayName: bad('Ny grupp'), externalId: bad(`ny${TODAY}`), members: [{ value: worker.id }] });

  let way = '';
  await until('the person is in the list', async () => Boolean((way = (await seek(page))[0] ?? '')));
  ok('the list shows the name as text', (await main(page)).includes(HARM.slice(0, 40)));
  await act(page, way);

  const back = encodeURIComponent(HARM);
  const columns = ['user_name', 'roles', 'limited', 'seen', 'days', 'directory', 'manager', 'origin', 'end', 'next'];
  const from = [
    ...(await seek(page)),
    ...['rights', 'limits', 'why?action=view&component=lease&item=x', 'sign-ins', 'compare', 'deliveries'].map((tab) => `${way}/${tab}`),
    `/people?who=all&q=window.__xss&${columns.map((one) => `column=${one}`).join('&')}`,
    `/people?who=all&q=${back}`, `/people/change?do=freeze&id=${way.split('/').at(-1)}&back=${back}`,
    `/audit?subject=${encodeURIComponent(worker.userName)}`, `/audit?actor=${back}`,
  ];
  const keep = (link) => !link.includes('?%22'); // where the made-up way back leads
  let shown = 0;
  const count = await tour(page, { from, most: 110, fine: true, keep }, async (address) => {
    const found = await page.evaluate(() => ({
      ran: window.__xss, markup: document.querySelectorAll('[onerror],[onload],script:not([src]),a[href^="javascript:" i]').length,
      shows: document.body.textContent.includes('<script>window.__xss=1</script>'),
    }));
    if (found.ran !== undefined || found.markup > 0) ok(`nothing of it is markup at ${address}`, false, found);
    shown += Number(found.shows);
  });
  ok(`${count} pages are answered with 200, and on none of them a script ran`, count >= 60, count);
  ok(`${shown} of them show the harmful text, as text`, shown >= 12, shown);
  await hold(page, way);
  await page.goto(base + way);
  await picture(page, 'story-hostile');
});

/** Everybody of that kind in the list: the ways to their pages. */
async function seek(page) {
  await page.goto(`${base}/people?who=all&q=window.__xss`);
  return page.locator('#list tbody th a').evaluateAll((all) => all.map((one) => one.getAttribute('href')));
}

/** Reasons and item numbers do harm as well: a link by hand, and a freeze that is taken back. */
async function act(page, way) {
  await page.goto(`${base}${way}/limits`);
  await field(page, "The item's number").fill(bad('avtal').slice(0, 120));
  await page.locator('section[aria-labelledby=add]').getByLabel('Reason').fill(HARM);
  await button(page, 'Add the link').click();
  for (const deed of ['freeze', 'restore', 'end-date']) {
    await page.goto(`${base}${way}/change/${deed}`);
    await page.locator('.decide [name=reason]').fill(HARM);
    await page.locator('.decide form button').click();
  }
}

/** What is typed with a script running, as on the search field, is text too. */
async function hold(page, way) {
  await page.goto(`${base}/people`);
  const answer = page.waitForResponse((one) => one.url().includes('q='));
  await field(page, 'Name or e-mail').pressSequentially('"><img src=x onerror=window.__xss=7>', { delay: 5 });
  await answer;
  await page.waitForTimeout(400);
  same('nor does it where a list is fetched while one types', await page.evaluate(() => window.__xss), undefined);
  ok('the person is still there', (await page.goto(base + way)).status() === 200);
}

function user(key, more) {
  return {
    schemas: [`${CORE}User`, ENTERPRISE], active: true, externalId: bad(`${key}${TODAY}`),
    userName: `${key}${TODAY}.${HARM.replaceAll(' ', '')}@forening.example`, displayName: bad(key), nickName: bad('nick'), title: bad('title'),
    name: { formatted: bad('formatted'), givenName: bad('given'), familyName: bad('family') },
    emails: [{ value: `"${key}<script>window.__xss=8</script>"@forening.example`, type: 'work', primary: true }],
    phoneNumbers: [{ value: bad('phone'), type: 'work' }], profileUrl: 'javascript:window.__xss=9', locale: bad('sv'),
    addresses: [{ formatted: bad('address'), type: 'work' }], userType: bad('type'),
    [ENTERPRISE]: { department: bad('department'), division: bad('division'), organization: bad('organization'), employeeNumber: bad('number'), costCenter: bad('cost'), ...more },
  };
}
function patch(operations) {
  return { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: operations };
}

async function scim(method, path, body) {
  const headers = { authorization: `Bearer ${process.env.SCIM_TOKEN}`, 'content-type': 'application/scim+json' };
  const answer = await fetch(SCIM + path, { method, headers, body: body && JSON.stringify(body), signal: AbortSignal.timeout(15_000) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`SCIM ${method} ${path}: ${answer.status} ${text.slice(0, 500)}`);
  return text ? JSON.parse(text) : {};
}
