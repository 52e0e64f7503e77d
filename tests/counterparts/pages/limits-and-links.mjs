// One person is limited to two sectors and to single items, and linked to one item; the Why tab says what that comes to.
import { account, base, button, enter, field, heading, main, note, ok, person, picture, same, says, story } from './stage.mjs';

const ROGER = 'roger.mattsson@bjorkbacken.example';
const tab = (page, words) => page.locator('.tabs').getByRole('link', { name: words }).click();

await story(async () => {
  const page = await enter('Henrik Wallin');
  await page.goto(base + (await person(page, ROGER)));
  same('the page is his', await heading(page), 'Roger Mattsson');
  await tab(page, 'Why');
  await why(page, 'see', 'Leases', 'avtal-8');
  says('before the change he may see any lease', await main(page), 'How it was decided');
  ok('and nothing stops him', !(await main(page)).includes('Here it stopped'));

  await tab(page, 'Limits and links');
  for (const box of ['Limited user', 'Documents', 'Property', 'Only own items']) await field(page, box).check();
  await button(page, 'Review the change').click();
  const preview = await main(page);
  says('a preview says what he gains and what he loses', preview, "everything outside the person's sectors", 'the sector Property', 'Modules before and after', /Work and projects\s+everything\s+closed/);
  same('nothing has happened yet', account(ROGER).limited, false);
  await field(page, 'Reason').fill('Sköter bara sina två hus');
  await page.locator('.decide form button').click();
  says('the page says that it is done', await note(page), 'Roger Mattsson: the rights are changed');
  const after = account(ROGER);
  ok('the daemon has him limited', after.limited === true && after.item_restricted === true, after);
  same('to the two sectors', [...after.sectors].sort(), ['documents', 'property']);
  for (const box of ['Limited user', 'Documents', 'Property', 'Only own items']) ok(`the box ${box} is ticked, and says who ticked it`, await field(page, box).isChecked());
  says('with who gave it and why', await main(page), 'Henrik Wallin', 'Sköter bara sina två hus');

  await field(page, 'Component').selectOption({ label: 'Leases' });
  await field(page, "The item's number").fill('avtal-7');
  await page.locator('section[aria-labelledby=add]').getByLabel('Reason').fill('Hans eget hus');
  await button(page, 'Add the link').click();
  says('the link is made', await note(page), 'linked to lease/avtal-7');
  says('and stands in the list', await page.locator('section[aria-labelledby=links-h]').innerText(), 'lease/avtal-7', 'By hand', 'Hans eget hus');
  await picture(page, 'story-limits');

  await tab(page, 'Why');
  await why(page, 'see', 'Leases', 'avtal-7');
  const yes = await main(page);
  ok('he may see the item that he is linked to', !yes.includes('Here it stopped') && yes.includes('How it was decided'), yes);
  says('and the page says that it rests on the link', yes, 'Rests on', /avtal-7|link/i);
  await why(page, 'see', 'Leases', 'avtal-8');
  says('he may no longer see another one', await main(page), 'Here it stopped');
  await picture(page, 'story-why');
  await why(page, 'see', 'Notes', '');
  says('nor anything of a sector that he does not have', await main(page), 'Here it stopped');
});

async function why(page, action, component, item) {
  await field(page, 'May the person').selectOption({ label: action });
  await field(page, 'Component').selectOption({ label: component });
  await field(page, "The item's number, where one is meant").fill(item);
  await button(page, 'Explain').click();
  await page.locator('#answer').waitFor();
}
