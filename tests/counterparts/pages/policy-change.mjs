// A rule is changed through its plan: the text checked while one types, who gains what, a fresh sign-in, into force, and back.
import { account, base, button, enter, field, heading, main, menu, note, ok, person, pick, same, says, story, until } from './stage.mjs';

const PERSON = 'Henrik Wallin';
const MAJA = 'maja.engstrom@bjorkbacken.example';
const GIVES = 'sectors = ["mailings"] }';
const GIVES_MORE = 'sectors = ["mailings", "documents"] }';

await story(async () => {
  const page = await enter(PERSON);
  await page.goto(`${base}/policy`);
  says('the policy in force can be read', await main(page), 'mailing-helpers');
  await page.getByRole('link', { name: 'Change the policy' }).click();
  const box = field(page, 'The policy’s text');
  const text = await box.inputValue();
  ok('its text can be written', text.includes(GIVES), text.slice(0, 200));
  await box.fill(text.replace(GIVES, 'sectors = ["nothing"] }'));
  await until('a mistake is told while one types', async () => (await page.locator('#check').innerText()).includes('nothing'));
  await box.fill(text.replace(GIVES, GIVES_MORE));
  await until('and that it is mended', async () => (await page.locator('#check').innerText()).includes('The text can be used'));
  await button(page, 'Show what changes').click();

  same('a plan comes first', await heading(page), 'How access changes');
  const address = page.url();
  const plan = await main(page);
  says('it says who gains what', plan, 'Maja Engström', 'Documents', 'Not in force until it is applied');
  same('nothing has happened yet', account(MAJA).sectors, ['mailings']);
  await apply(page, 'Hjälparna behöver mapparna');
  says('the policy is in force', await main(page), 'Hjälparna behöver mapparna');
  same('the daemon gives what the rule gives', [...account(MAJA).sectors].sort(), ['documents', 'mailings']);
  await page.goto(base + (await person(page, MAJA)) + '/limits');
  says('and her page says from which rule', await main(page), /Documents[\s\S]*mailing-helpers/);

  await page.goto(address);
  says('the plan cannot be carried out twice', await note(page), 'The plan is carried out already');
  await page.goto(`${base}/policy/versions`);
  says('the versions have it, with who and why', await main(page), PERSON, 'Hjälparna behöver mapparna');
  await page.goto(`${base}/policy/versions/1`);
  await page.locator('main form[method=post] button').first().click();
  same('going back is a plan as well', await heading(page), 'How access changes');
  await apply(page, 'Det räcker med utskicken');
  same('after which she has what she had', account(MAJA).sectors, ['mailings']);
  await menu(page, 'Audit log');
  await field(page, 'What was done').selectOption({ label: 'Policy applied' });
  await button(page, 'Show').click();
  await page.waitForURL('**action=policy_applied**');
  same('both stand in the audit', (await page.locator('tbody tr').filter({ hasText: PERSON }).count()) >= 2, true);
});

/** Puts the plan that stands open into force, after signing in again where that is asked for. */
async function apply(page, reason) {
  const again = page.getByRole('link', { name: 'Sign in again and decide' });
  if (await again.count()) {
    await again.click();
    await pick(page, PERSON);
  }
  const form = page.locator('#decide form');
  const stops = form.getByRole('checkbox');
  if (await stops.count()) await stops.check();
  await form.getByLabel('Reason').fill(reason);
  await form.locator('button').click();
  await page.waitForURL((url) => !url.pathname.includes('/plans/'));
}
