// A browser signs in through nginx, the person is deactivated over SCIM, and the next click is refused.
// ui.sh run click.mjs START-URL USER PASSWORD SCIM-URL TOKEN : prints what it saw; status 1 if it saw something else.
const [start, user, password, scim, token] = process.argv.slice(2);
const see = (what, is) => { console.log(`${is ? 'saw' : 'DID NOT SEE'}: ${what}`); if (!is) process.exitCode = 1; };
const page = await (await globalThis.browser.newContext({ ignoreHTTPSErrors: true, locale: 'sv-SE' })).newPage();
await page.goto(start);
await page.locator('input[name=login]').fill(user);
await page.locator('input[type=password]').fill(password);
await Promise.all([page.waitForURL((url) => url.pathname === '/kampanjer'), page.keyboard.press('Enter')]);
see('the page that was asked for, with the name', (await page.locator('#who').innerText()).includes(user));
await page.locator('#next').click();
see('the next page', page.url().endsWith('/kampanjer?sida=2'));
const patch = { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: [{ op: 'replace', path: 'active', value: false }] };
const told = await fetch(scim, { method: 'PATCH', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/scim+json' }, body: JSON.stringify(patch) });
see('the directory deactivate the person', told.ok);
let refused;
const began = Date.now();
page.once('response', (answer) => { const { responseStart } = answer.request().timing(); refused = { status: answer.status(), after: Math.round(responseStart) }; });
await Promise.all([page.waitForURL((url) => url.pathname === '/sso/callback'), page.locator('#next').click()]);
const text = await page.locator('body').innerText();
const took = Date.now() - began;
see('the page that says no', text.includes('Du kommer inte in i CRM:et') && text.includes('styrelsen'));
see(`the click refused within a second (${refused.after} ms; the page that says why after ${took} ms)`, refused.status !== 200 && refused.after < 1000);
