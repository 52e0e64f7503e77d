// The round of a review: who has not signed in since a day, a look, freezing several, the audit, and one restored.
import { account, base, button, day, enter, field, heading, main, menu, names, note, ok, picture, same, says, story, until } from './stage.mjs';

const WHY = 'Höstens översyn: listan är genomgången med styrelsen';

await story(async () => {
  const page = await enter('Henrik Wallin');
  same('an administrator signs in and sees Start', await heading(page), 'Where things stand');
  await menu(page, 'People');
  const everybody = await page.locator('.chips b').innerText();

  await field(page, 'Access').selectOption({ label: 'Can sign in' });
  await field(page, 'Sign-in').selectOption({ label: 'Has not signed in since' });
  await field(page, 'Date').fill(day(14));
  await button(page, 'Show').click();
  await page.waitForURL('**signed=since**');
  const address = page.url();
  ok('the filter stands in the address', address.includes('who=able') && address.includes(`day=${day(14)}`), address);
  ok('fewer people are listed than before', (await page.locator('.chips b').innerText()) !== everybody, everybody);
  const rows = page.locator('#list tbody tr');
  const seen = await rows.locator('td[data-l="Last signed in"]').allInnerTexts();
  const late = seen.filter((cell) => !cell.includes('Never') && new Date(cell.split('\n')[0]) >= new Date(day(14)));
  ok(`each of the ${seen.length} was last there before the day, or never`, seen.length >= 6 && late.length === 0, late);
  same('each of them can sign in', [...new Set(await rows.locator('td[data-l="Status"]').allInnerTexts())].map((cell) => cell.trim()), ['Active']);
  await picture(page, 'story-review');

  const plain = rows.filter({ hasText: /Caretaker|Communicator|Member registrar/ }).filter({ hasNotText: /privileged|by hand/ });
  const chosen = [];
  for (let at = 0; at < 3; at += 1) {
    const row = plain.nth(at);
    const [name, userName] = (await row.locator('th').innerText()).split('\n').map((line) => line.trim()).filter(Boolean);
    chosen.push({ name, userName });
  }
  await rows.getByRole('link', { name: chosen[0].name }).click();
  same('a click on a name opens the person', await heading(page), chosen[0].name);
  await page.goBack();
  same('and back again the list is as it was', page.url(), address);

  for (const one of chosen) await field(page, `Select ${one.name}`).check();
  says('the bar counts those marked', await page.locator('.bulk').innerText(), 'selected');
  await button(page, 'Freeze …').click();
  same('a preview comes first', await heading(page), 'Freeze 3 accounts?');
  const preview = await main(page);
  says('it names everybody and what they become', preview, ...chosen.map((one) => one.name), /Active\s*→\s*Frozen/);
  same('nothing has happened yet', account(chosen[0].userName).status, 'active');
  await button(page, 'Freeze 3 accounts').click();
  ok('without a reason the form is not sent', await field(page, 'Reason').evaluate((field) => field.matches(':invalid:focus')));
  await field(page, 'Reason').fill(WHY);
  await button(page, 'Freeze 3 accounts').click();
  await page.waitForURL('**/people?**');
  ok('the list is narrowed as before', page.url().includes(`signed=since&day=${day(14)}`), page.url());
  says('it says what was done', await note(page), '3 accounts are frozen');
  const left = await names(page);
  ok('and the three are no longer in it', chosen.every((one) => !left.includes(one.name)), left);
  for (const one of chosen) same(`the daemon has frozen ${one.name}`, account(one.userName).status, 'frozen');
  await until('the CRM has been told', () => chosen.every((one) => account(one.userName).told.every((crm) => !crm.pending)));

  await menu(page, 'Audit log');
  await field(page, 'What was done').selectOption({ label: 'Account frozen' });
  await button(page, 'Show').click();
  await page.waitForURL('**action=account_frozen**');
  const entries = await page.locator('tbody tr').filter({ hasText: WHY }).allInnerTexts();
  ok('the audit has the three, with who and why', entries.length >= 3, entries);
  ok('each by the administrator', entries.every((entry) => entry.includes('Henrik Wallin')), entries);
  ok('each about one of them', chosen.every((one) => entries.some((entry) => entry.includes(one.name))), entries);

  const [first] = chosen;
  await menu(page, 'People');
  await field(page, 'Access').selectOption({ label: 'Frozen' });
  await button(page, 'Show').click();
  await page.waitForURL('**who=frozen**');
  await field(page, `Select ${first.name}`).check();
  await button(page, 'Restore …').click();
  says('restoring has its preview too', await main(page), first.name, /Frozen\s*→\s*Active/);
  await field(page, 'Reason').fill('Har varit på en lång resa');
  await button(page, /^Restore 1/).click();
  await page.waitForURL('**/people?**');
  says('one is open again', await note(page), '1 account is open again');
  same('so says the daemon', account(first.userName).status, 'active');
  same('the second stays frozen', account(chosen[1].userName).status, 'frozen');
  ok('the page is ours to the end', page.url().startsWith(base));
});
