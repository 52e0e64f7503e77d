// The review round in short, in a browser that runs no script, in Swedish.
import { account, base, button, day, enter, field, heading, menu, note, ok, same, says, story } from './stage.mjs';

await story(async () => {
  const page = await enter('Henrik Wallin', { language: 'sv', javaScriptEnabled: false });
  same('utan skript: Start', await heading(page), 'Läget i dag');
  await menu(page, 'Personer');
  await field(page, 'Åtkomst').selectOption({ label: 'Kan logga in' });
  await field(page, 'Inloggning').selectOption({ label: 'Har inte loggat in sedan' });
  await field(page, 'Datum').fill(day(14));
  await page.locator('.filter').getByText('Fler filter').click();
  await field(page, 'Roll').selectOption({ label: 'Fastighetsansvarig' });
  await button(page.locator('.filter'), 'Visa').click();
  const rows = page.locator('#list tbody tr').filter({ hasText: 'Fastighetsansvarig' });
  ok('listan är smalnad av', page.url().includes('signed=since') && page.url().includes('role=caretaker'), page.url());
  const count = await rows.count();
  same('alla rader är fastighetsansvariga', await page.locator('#list tbody tr').count(), count);
  ok('och det finns några', count >= 2, count);
  const [name, userName] = (await rows.first().locator('th').innerText()).split('\n').map((line) => line.trim()).filter(Boolean);

  await field(page, `Markera ${name}`).check();
  await button(page, 'Frys …').click();
  same('förhandsvisningen', await heading(page), 'Frys 1 konto?');
  await field(page, 'Skäl').fill('Översyn utan skript');
  await button(page, 'Frys 1 konto').click();
  says('listan säger vad som är gjort', await note(page), '1 konto är fryst');
  same('kontot är fryst', account(userName).status, 'frozen');

  await menu(page, 'Granskningslogg');
  says('granskningsloggen har det', await page.locator('tbody tr').filter({ hasText: 'Konto fryst' }).first().innerText(), 'Översyn utan skript', name);
  await page.goto(`${base}/people?who=frozen&q=${encodeURIComponent(userName)}`);
  await field(page, `Markera ${name}`).check();
  await button(page, 'Öppna igen …').click();
  await field(page, 'Skäl').fill('Tillbaka');
  await page.locator('main form button').last().click();
  same('kontot är öppet igen', account(userName).status, 'active');

  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(base);
  await page.locator('.menu').first().click();
  ok('på en telefon öppnas menyn utan skript', await page.locator('#nav').getByRole('link', { name: 'Personer' }).isVisible());
  await menu(page, 'Personer');
  await page.locator('.tools .menu').click();
  ok('och urvalet', await field(page, 'Åtkomst').isVisible());
});
