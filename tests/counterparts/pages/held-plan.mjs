// A plan that goes beyond the limits: it waits, is released by somebody who signed in just now, and its run is undone.
import { account, button, enter, field, heading, main, menu, note, ok, pick, same, says, story } from './stage.mjs';

const PERSON = 'Henrik Wallin';

await story(async () => {
  const page = await enter(PERSON);
  await menu(page, 'Lifecycle');
  await button(page, 'Make a plan now').click();
  same('the plan waits', await heading(page), 'A plan waits for a decision');
  const address = page.url();
  const plan = await main(page);
  says('it says why it stopped, and that nothing is done', plan, 'Why it stopped', 'Nothing has been done', /takes access from \d+ account/);
  const people = await page.locator('tbody tr').filter({ hasText: 'The rule' }).locator('th').allInnerTexts();
  const struck = people.map((cell) => cell.split('\n').map((line) => line.trim()).filter(Boolean)).map(([name, userName]) => ({ name, userName }));
  ok(`it names whom it would freeze, ${struck.length} people`, struck.length >= 4 && struck.every((one) => one.userName?.includes('@')), people);
  same('none of them is frozen', account(struck[0].userName).status, 'active');
  await menu(page, 'Start');
  says('Start says that it waits', await main(page), 'A plan has stopped and waits');

  await page.goto(address);
  await page.getByRole('link', { name: 'Sign in again and decide' }).click();
  await pick(page, PERSON);
  same('after a fresh sign-in the plan is there again', page.url().split('#')[0], address);
  const release = page.locator('form', { has: page.getByRole('heading', { name: 'Release the plan' }) });
  const critical = release.getByRole('checkbox');
  if (await critical.count()) await critical.check();
  await release.getByLabel('Reason').fill('The board has seen the list');
  await button(release, 'Release the plan').click();
  says('it is carried out at once', await main(page), 'Released by', PERSON, 'The board has seen the list');
  for (const one of [struck[0], struck.at(-1)]) same(`${one.name} is frozen`, account(one.userName).status, 'frozen');

  await menu(page, 'Lifecycle');
  const run = page.locator('section[aria-labelledby=runs] tbody tr').filter({ hasText: 'applied' }).first();
  says('the run stands first among those that did something', await run.innerText(), PERSON, String(struck.length));
  await run.getByRole('link', { name: 'Show and undo' }).click();
  says('undoing has a preview', await main(page), `${struck.length} accounts become as they were`, 'Becomes active again');
  same('nothing is undone yet', account(struck[0].userName).status, 'frozen');
  await field(page, 'Reason').fill('The wrong list was looked at');
  await button(page, `Undo for ${struck.length} people`).click();
  says('the run is undone', await note(page), `${struck.length} accounts are as before the run`);
  for (const one of [struck[0], struck.at(-1)]) same(`${one.name} is active again`, account(one.userName).status, 'active');
  says('a second time there is nothing to undo', await main(page), 'Undone already');
  ok('and no button for it', (await page.getByRole('button', { name: /^Undo/ }).count()) === 0);
  await menu(page, 'Audit log');
  await field(page, 'What was done').selectOption({ label: 'Run undone' });
  await button(page, 'Show').click();
  await page.waitForURL('**action=lifecycle_undone**');
  says('the audit has who undid it, and why', await main(page), PERSON, 'The wrong list was looked at');
});
