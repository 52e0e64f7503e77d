// Back after a change, the same form twice, and two administrators at the same person: nothing is done twice or unseen.
import { account, base, beside, day, enter, expected, field, fields, heading, main, note, ok, person, post, same, says, story, trail } from './stage.mjs';

const BJORN = 'bjorn.ekstrom@bjorkbacken.example';

await story(async () => {
  const henrik = await enter('Henrik Wallin');
  const fatima = await enter('Fatima El Amrani');
  const bjorn = await person(henrik, BJORN);
  const dated = async () => (await trail(henrik, 'account_changed', BJORN)).length;
  const before = { entries: await dated(), version: account(BJORN).version };
  const form = '.decide form';
  const ending = `${base}${bjorn}/change/end-date`;
  const far = 100 + (Date.now() % 200); // another day in every run
  const fill = async (page, days, reason) => {
    await field(page, 'The last day').fill(day(-days));
    await field(page, 'Reason').fill(reason);
  };

  await henrik.goto(ending);
  await fill(henrik, far, 'A project that ends');
  const sent = await fields(henrik.locator(form));
  const where = new URL(await henrik.locator(form).evaluate((one) => one.action)).pathname;
  await henrik.locator(`${form} button`).click();
  await henrik.waitForURL((url) => !url.pathname.includes('/change/'));
  says('the change is told once', await note(henrik), 'Björn Ekström');
  same('one entry in the audit', await dated(), before.entries + 1);
  await henrik.reload();
  same('loaded again, the page tells of it no more', await henrik.locator('.note').count(), 0);
  await henrik.goBack();
  same('back leads to the form, which is made anew', await heading(henrik), 'Björn Ekström');
  ok('with the version that holds now', (await fields(henrik.locator(form))).some(([key, value]) => key === 'version' && Number(value) === account(BJORN).version));
  same('going back has changed nothing', await dated(), before.entries + 1);

  const again = await post(henrik, where, sent);
  const text = await again.text();
  ok('the same form a second time is told that it is old', again.status() === 409 && text.includes('Somebody else was there first'), `${again.status()} ${text.slice(0, 200)}`);
  same('and nothing is done twice', await dated(), before.entries + 1);

  await henrik.goto(ending);
  await fill(henrik, far + 20, 'A little longer');
  const twice = await fields(henrik.locator(form));
  const answers = await Promise.all([post(henrik, where, twice), post(henrik, where, twice)]);
  same('of two at the same moment one is taken', answers.map((one) => one.status()).sort(), [303, 409]);
  same('which stands in the audit once', await dated(), before.entries + 2);
  await henrik.goto(ending);
  await fill(henrik, far + 21, 'One day longer');
  await henrik.locator(`${form} button`).dblclick();
  await henrik.waitForLoadState('load');
  expected(henrik, 409);
  same('a double click is one change too', await dated(), before.entries + 3);

  const mine = await beside(henrik);
  await mine.goto(ending);
  await fatima.goto(ending);
  await fill(fatima, 90, 'Fatima was asked to');
  await fatima.locator(`${form} button`).click();
  await fatima.waitForURL((url) => !url.pathname.includes('/change/'));
  const hers = account(BJORN).valid_until;
  await fill(mine, 30, 'Henrik did not know');
  await mine.locator(`${form} button`).click();
  same('the second administrator is told', await heading(mine), 'Somebody else was there first');
  says('by whom, what, and that nothing of theirs was done', await main(mine), 'Fatima El Amrani', 'changed the account’s dates', 'Nothing was changed by you');
  same('with a status that says so', expected(mine, 409), 1);
  same("the first administrator's date holds", account(BJORN).valid_until, hers);
  await mine.getByRole('link', { name: 'Back' }).click();
  await mine.goto(ending);
  await fill(mine, 30, 'Agreed with Fatima');
  await mine.locator(`${form} button`).click();
  await mine.waitForURL((url) => !url.pathname.includes('/change/'));
  ok('having looked, the second one can do it', account(BJORN).valid_until !== hers, account(BJORN).valid_until);
});
