// Forms that no page of ours made: without the token, with somebody else's, from elsewhere. All are refused, nothing changes.
import { account, base, button, enter, expected, field, fields, main, mark, ok, person, post, same, says, story, trail } from './stage.mjs';
import { tour } from './tour.mjs';

const EVA = 'eva.nystrom@bjorkbacken.example';
const ELSEWHERE = 'https://elsewhere.example';

await story(async () => {
  const page = await enter('Henrik Wallin');
  const other = await enter('Fatima El Amrani');
  const eva = await person(page, EVA);
  await page.goto(`${base}${eva}/change/freeze`);
  await field(page, 'Reason').fill('Forged');
  const form = page.locator('.decide form');
  const where = new URL(await form.evaluate((one) => one.action)).pathname;
  const pairs = await fields(form);
  const token = new Map(pairs).get('token');
  same('the form carries the mark of the session', token, await mark(page));
  const before = account(EVA);
  const frozen = (await trail(page, 'account_frozen')).length;
  const with_ = (value) => pairs.filter(([key]) => key !== 'token').concat(value === undefined ? [] : [['token', value]]);

  const forged = [
    ['without the token', with_(undefined), base],
    ['with an empty token', with_(''), base],
    ["with somebody else's token", with_(await mark(other)), base],
    ['with a token that is a letter too short', with_(token.slice(0, -1)), base],
    ['from a foreign origin', pairs, ELSEWHERE],
    ['from an origin that is hidden', pairs, 'null'],
    ['from our host on another port', pairs, 'http://127.0.0.1:9'],
    ['without a word of where it comes from', pairs, ''],
  ];
  for (const [how, sent, origin] of forged) {
    const answer = await post(page, where, sent, origin);
    const text = await answer.text();
    ok(`a form ${how} is refused, and the page says that nothing has been changed`, answer.status() === 403 && text.includes('Nothing has been changed'), `${answer.status()} ${text.slice(0, 300)}`);
  }
  same('Eva is as she was', [account(EVA).status, account(EVA).version], [before.status, before.version]);
  same('and the audit has nothing new', (await trail(page, 'account_frozen')).length, frozen);

  await elsewhere(page, where, pairs);
  same('after a click on a page elsewhere she still is', [account(EVA).status, account(EVA).version], [before.status, before.version]);

  const kinds = new Map();
  await tour(page, { from: [eva, `${eva}/limits`, `${eva}/change/freeze`], most: 45 }, async () => {
    for (const one of await page.locator('form[method=post]').all()) {
      const action = new URL(await one.evaluate((found) => found.action)).pathname;
      kinds.set(action.replace(/[0-9a-f-]{36,}/g, '…'), [action, await fields(one)]);
    }
  });
  ok('the console has forms that change something', kinds.size >= 5, [...kinds.keys()]);
  for (const [kind, [action, sent]] of kinds) {
    const bare = await post(page, action, sent.filter(([key]) => key !== 'token'), ELSEWHERE);
    ok(`${kind} takes nothing from elsewhere`, bare.status() === 403, bare.status());
  }
  await page.goto(base);
  says('the session of the administrator goes on', await main(page), 'Where things stand');

  await page.goto(`${base}${eva}/change/freeze`);
  await field(page, 'Reason').fill('Real');
  await button(page.locator('.decide'), 'Freeze').click();
  same('the very same form, sent by its button, does what it says', account(EVA).status, 'frozen');
  await page.goto(`${base}${eva}/change/restore`);
  await field(page, 'Reason').fill('Only a trial');
  await page.locator('.decide form button').click();
  same('and is undone', account(EVA).status, 'active');
});

/** A page on another host that sends the form by itself, in the administrator's own browser. */
async function elsewhere(page, where, pairs) {
  const trap = await page.context().newPage();
  const inputs = pairs.map(([key, value]) => `<input name="${key}" value="${value.replaceAll('"', '&quot;')}">`).join('');
  const html = `<form method="post" action="${base}${where}">${inputs}<button>Win a prize</button></form>`;
  await trap.route(`${ELSEWHERE}/**`, (route) => route.fulfill({ contentType: 'text/html', body: html }));
  await trap.goto(`${ELSEWHERE}/`);
  const [answer] = await Promise.all([
    trap.waitForResponse((one) => one.url() === base + where),
    trap.getByRole('button').click(),
  ]);
  ok('a page elsewhere sends the form, and is not let in', [303, 401, 403].includes(answer.status()), answer.status());
  await trap.close();
  expected(page, 403);
}
