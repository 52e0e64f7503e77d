// The console without a mouse: the skip link, every stop of the way seen and not hidden, marking, acting, the phone's menu.
import { base, button, enter, heading, ok, same, says, story } from './stage.mjs';

await story(async () => {
  const page = await enter('Henrik Wallin', { at: '/people' });
  await page.keyboard.press('Tab');
  const skip = await stop(page);
  same('the first stop is the skip link', skip.words, 'Skip to the content');
  ok('which comes into sight', skip.isSeen, skip);
  await page.keyboard.press('Enter');
  ok('and leads to the content', await page.evaluate(() => document.activeElement.id === 'main' || location.hash === '#main'));

  const met = [];
  for (let steps = 0; steps < 40; steps += 1) {
    await page.keyboard.press('Tab');
    const here = await stop(page);
    met.push(here);
    if (here.isRowLink) break;
  }
  const words = met.map((one) => one.words);
  const hidden = met.filter((one) => !one.isSeen || !one.isMarked);
  ok(`the way to the first row has ${met.length} stops, and none is in the menu`, met.at(-1).isRowLink && met.every((one) => one.isInMain), words);
  same('each is seen, in full view, with a mark of the focus', hidden, []);
  for (const one of ['Name or e-mail', 'Access', 'Sign-in', 'Show']) ok(`the way passes ${one}`, words.includes(one), words);

  const name = met.at(-1).words;
  await page.keyboard.press('Shift+Tab');
  same('one step back is the box of the row', (await stop(page)).words, `Select ${name}`);
  await page.keyboard.press('Space');
  ok('which the space bar ticks', await page.locator(':focus').isChecked());
  await button(page, 'Freeze …').focus();
  await page.keyboard.press('Enter');
  await page.waitForURL('**/people/change?**');
  says('Enter on a button leads to the preview', await heading(page), 'Freeze 1 account?');
  await page.goBack();
  await page.getByRole('link', { name, exact: true }).focus();
  await page.keyboard.press('Enter');
  await page.waitForURL(/people\/[0-9a-f-]{36}/);
  same('Enter on the name opens the person', await heading(page), name);
  for (let steps = 0; steps < 60 && !(await stop(page)).words.startsWith('Rights'); steps += 1) await page.keyboard.press('Tab');
  ok('the tabs of the person can be reached', (await stop(page)).isMarked);
  await page.keyboard.press('Enter');
  await page.waitForURL('**/rights');

  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(base);
  const menu = page.locator('.side .menu');
  await menu.focus();
  await page.keyboard.press('Enter');
  const link = page.locator('#nav').getByRole('link', { name: 'People' });
  ok('on a phone Enter opens the menu', await link.isVisible());
  for (let steps = 0; steps < 6 && (await stop(page)).words !== 'People'; steps += 1) await page.keyboard.press('Tab');
  same('the next stops are in it', (await stop(page)).words, 'People');
  await page.keyboard.press('Escape');
  ok('Escape closes it', !(await link.isVisible()));
  ok('and the focus is where it was', await menu.evaluate((one) => one === document.activeElement));
});

/** What has the focus: its words, and whether it is in view, uncovered and visibly marked. */
function stop(page) {
  return page.evaluate(() => {
    const one = document.activeElement;
    const box = one.getBoundingClientRect();
    const style = getComputedStyle(one);
    const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
    const top = document.elementFromPoint(x, y);
    const label = one.labels?.[0]?.innerText ?? '';
    return {
      words: (one.getAttribute('aria-label') || label || one.innerText || one.getAttribute('name') || '').trim().split('\n')[0],
      isSeen: box.width > 0 && box.top >= 0 && box.bottom <= innerHeight && Boolean(top) && (one === top || one.contains(top) || one.labels?.[0]?.contains(top) === true),
      isMarked: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
      isInMain: Boolean(one.closest('main')),
      isRowLink: Boolean(one.closest('#list tbody th')) && one.tagName === 'A',
    };
  });
}
