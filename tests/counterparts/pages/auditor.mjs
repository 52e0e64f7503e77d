// An auditor reads everything and changes nothing: the pages offer no way, and forms made by hand are refused in words.
import { account, base, enter, expected, heading, main, mark, ok, person, post, same, says, story } from './stage.mjs';
import { tour } from './tour.mjs';

const EVA = 'eva.nystrom@bjorkbacken.example';
const REFUSED = 'You may read but not change';

await story(async () => {
  const page = await enter('Nina Lövkvist', { directory: 'okta' });
  same('an auditor signs in and sees Start', await heading(page), 'Where things stand');
  says('the menu says what she is', await page.locator('#nav').innerText(), 'Nina Lövkvist', 'Auditor');

  const eva = await person(page, EVA);
  const walk = { from: [eva], most: 80 };
  const offered = [];
  const count = await tour(page, walk, async (address) => {
    const forms = await page.locator('main form[method=post]').count();
    const boxes = await page.locator('main input[type=checkbox][name=id]').count();
    const marked = await page.locator('main input[name=token]').count();
    if (forms + boxes + marked > 0) offered.push(address);
  });
  ok(`${count} pages, and none has a form that changes, a box to mark, or a token`, count >= 15 && offered.length === 0, offered);
  await page.goto(base + eva);
  says('the person page is open to her', await main(page), 'Eva Nyström', 'What has happened');
  same('without the buttons', await page.locator('.head .acts').count(), 0);

  const before = account(EVA);
  const token = await mark(page); // her own, as a page of ours would carry it
  const shown = [['token', token], ['version', String(before.version)], ['seen', String(Date.now() * 1000)], ['reason', 'I would like to']];
  const attempts = {
    [`${eva}/change/freeze`]: shown,
    [`${eva}/change/deactivate`]: shown,
    [`${eva}/rights`]: [...shown, ['give', 'role:administrator']],
    [`${eva}/links`]: [...shown, ['component', 'lease'], ['item', 'avtal-1']],
    '/people/change': [['token', token], ['do', 'freeze'], ['at', String(Date.now() * 1000)], ['pick', `${before.account}:${before.version}`], ['reason', 'I would like to']],
    '/lifecycle/plans': [['token', token]],
  };
  for (const [where, pairs] of Object.entries(attempts)) {
    const answer = await post(page, where, pairs);
    const text = await answer.text();
    const seen = `${answer.status()} ${text.replace(/<[^>]*>|\s+/g, ' ').slice(-600)}`;
    ok(`her own form to ${where.replace(eva, '…')} is refused, with what it takes`, answer.status() === 403 && text.includes(REFUSED) && text.includes('a role that administers Portvakt'), seen);
  }
  await page.goto(`${base}${eva}/change/freeze`);
  same('the preview of a change is closed to her as well', await heading(page), REFUSED);
  same('and is told as such', expected(page, 403), 1);
  same('Eva is as she was', [account(EVA).status, account(EVA).version, account(EVA).roles], [before.status, before.version, before.roles]);
});
