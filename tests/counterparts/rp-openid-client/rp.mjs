// A small CRM around the unmodified npm package openid-client: everything of the protocol is the package's, only the pages and
// the sessions are ours. Environment: PORT, DATA, ISSUER, MODULES.
import { createServer } from 'node:http';
import { existsSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
const require = createRequire(process.env.MODULES + '/x.js');
const load = async (name) => import(pathToFileURL(require.resolve(name)).href);
const oidc = await load('openid-client');
const { createRemoteJWKSet, jwtVerify } = await load('jose');
const { PORT, DATA, ISSUER } = process.env;
const base = `http://127.0.0.1:${PORT}`;

const registered = {
  crm: { auth: oidc.ClientSecretBasic('a-secret-of-the-crm+for:the%check'), metadata: { client_secret: 'a-secret-of-the-crm+for:the%check', id_token_signed_response_alg: 'RS256' } },
  page: { auth: oidc.None(), metadata: { id_token_signed_response_alg: 'ES256' } },
};
const known = {};
const configuration = async (id) => {
  if (!known[id]) {
    const { auth, metadata } = registered[id];
    known[id] = await oidc.discovery(new URL(ISSUER), id, metadata, auth, { execute: [oidc.allowInsecureRequests] });
    oidc.enableNonRepudiationChecks(known[id]); // the signature of every ID token is checked
  }
  return known[id];
};

const begun = new Map(); // by cookie: what this browser's sign-in was begun with
const sessions = new Map(); // by cookie: client, claims, tokens
const heard = [];
const cookieOf = (request) => /(?:^|; )rp=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1];
const tell = (response, status, body, headers = {}) => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body, null, 1));
};
const go = (response, url, headers = {}) => response.writeHead(303, { location: String(url), ...headers }).end();
const bodyOf = async (request) => { let body = ''; for await (const piece of request) body += piece; return body; };
const told = (error) => ({ error: error.error ?? error.code ?? 'error', description: error.error_description ?? error.message, cause: error.cause?.message });

async function login(id, url, request, response) {
  const config = await configuration(id);
  const cookie = randomBytes(16).toString('hex');
  const own = { verifier: oidc.randomPKCECodeVerifier(), state: oidc.randomState(), nonce: oidc.randomNonce() };
  begun.set(cookie, own);
  if (url.searchParams.has('max_age')) own.maxAge = Number(url.searchParams.get('max_age'));
  const parameters = {
    redirect_uri: `${base}/${id}/callback`, scope: 'openid profile email offline_access', state: own.state, nonce: own.nonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(own.verifier), code_challenge_method: 'S256', ...Object.fromEntries(url.searchParams),
  };
  go(response, oidc.buildAuthorizationUrl(config, parameters), { 'set-cookie': `rp=${cookie}; Path=/; HttpOnly; SameSite=Lax` });
}

async function callback(id, url, request, response) {
  const cookie = cookieOf(request), own = begun.get(cookie);
  if (!own) return tell(response, 400, { error: 'no sign-in was begun in this browser' });
  begun.delete(cookie);
  const config = await configuration(id);
  const tokens = await oidc.authorizationCodeGrant(config, new URL(base + request.url), {
    pkceCodeVerifier: own.verifier, expectedState: own.state, expectedNonce: own.nonce, maxAge: own.maxAge, idTokenExpected: true,
  });
  const claims = tokens.claims();
  const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub);
  sessions.set(cookie, { id, claims, userinfo, tokens, callback: base + request.url, verifier: own.verifier, state: own.state, nonce: own.nonce });
  go(response, `/${id}/me`);
}

// OpenID Connect Back-Channel Logout 1.0 §2.6, by the package that openid-client itself verifies signatures with.
async function out(id, request, response) {
  const token = new URLSearchParams(await bodyOf(request)).get('logout_token');
  if (existsSync(`${DATA}/deaf`)) return tell(response, 503, { error: 'not now' });
  const config = await configuration(id);
  const metadata = config.serverMetadata();
  const { payload } = await jwtVerify(token, createRemoteJWKSet(new URL(metadata.jwks_uri)), {
    issuer: metadata.issuer, audience: id, typ: 'logout+jwt', maxTokenAge: '2m',
    algorithms: [registered[id].metadata.id_token_signed_response_alg], requiredClaims: ['iat', 'exp', 'jti', 'events', 'sid', 'sub'],
  });
  const event = payload.events['http://schemas.openid.net/event/backchannel-logout'];
  if (typeof event !== 'object' || 'nonce' in payload) return tell(response, 400, { error: 'invalid_request' });
  let ended = 0;
  for (const [cookie, session] of sessions) {
    if (session.id === id && session.claims.sid === payload.sid && session.claims.sub === payload.sub) { sessions.delete(cookie); ended += 1; }
  }
  heard.push({ id, sub: payload.sub, sid: payload.sid, ended });
  response.writeHead(200, { 'cache-control': 'no-store' }).end();
}

async function serve(request, response) {
  const url = new URL(request.url, base);
  const [, id, what] = url.pathname.split('/');
  if (url.pathname === '/heard') return tell(response, 200, heard);
  if (url.pathname === '/bye') return tell(response, 200, { bye: url.searchParams.get('state') });
  if (!registered[id]) return tell(response, 404, {});
  if (what === 'login') return login(id, url, request, response);
  if (what === 'callback') return callback(id, url, request, response);
  if (what === 'out' && request.method === 'POST') return out(id, request, response);
  const session = sessions.get(cookieOf(request));
  if (!session) return tell(response, 401, { error: 'nobody is signed in' });
  const config = await configuration(id);
  if (what === 'me') return tell(response, 200, { claims: session.claims, userinfo: session.userinfo });
  if (what === 'userinfo') return tell(response, 200, await oidc.fetchUserInfo(config, session.tokens.access_token, session.claims.sub));
  if (what === 'refresh') {
    const refresh = url.searchParams.has('former') ? session.former : session.tokens.refresh_token;
    const tokens = await oidc.refreshTokenGrant(config, refresh);
    session.former = refresh;
    session.tokens = { ...session.tokens, ...tokens };
    return tell(response, 200, { refreshed: tokens.claims()?.sub === session.claims.sub });
  }
  if (what === 'replay') {
    const again = { pkceCodeVerifier: session.verifier, expectedState: session.state, expectedNonce: session.nonce };
    return tell(response, 200, await oidc.authorizationCodeGrant(config, new URL(session.callback), again));
  }
  if (what === 'logout') {
    return go(response, oidc.buildEndSessionUrl(config, { id_token_hint: session.tokens.id_token, post_logout_redirect_uri: `${base}/bye`, state: 'gone' }));
  }
  tell(response, 404, {});
}

createServer((request, response) => {
  serve(request, response).catch((error) => {
    console.error(request.url.split('?')[0], error);
    if (!response.headersSent) tell(response, 400, told(error)); else response.end();
  });
}).listen(Number(PORT), '127.0.0.1');
