import { ApiProblem, call, token } from './api.js';
import { byId, make } from './dom.js';
import { homeView } from './home-view.js';
import { jobView } from './job-view.js';

const invalidToken = 'This token is not valid.';

/** Ends whatever the view before left running. */
let leaving = new AbortController();

/** @param {unknown} error */
function showError(error) {
  if (error instanceof ApiProblem && error.status === 401) {
    token.clear();
    showSignIn(invalidToken);
    return;
  }
  const notice = byId('notice');
  notice.textContent = error instanceof Error ? error.message : String(error);
  notice.hidden = false;
}

function hideNotice() {
  byId('notice').hidden = true;
}

/** @param {string} [reason] */
function showSignIn(reason) {
  leaving.abort();
  hideNotice();
  byId('sign-out').hidden = true;
  byId('tenant').textContent = '';
  const field = make('input', {
    id: 'token',
    type: 'password',
    autocomplete: 'off',
    required: true,
    spellcheck: 'false',
  });
  const form = make(
    'form',
    {
      class: 'sign-in',
      onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault();
        const written = field.value.trim();
        // No request can carry other characters, such as the quotes of a word processor.
        if (!/^[\x21-\x7e]+$/.test(written)) {
          showSignIn(invalidToken);
          return;
        }
        token.set(written);
        void show();
      },
    },
    make('h1', {}, 'Sign in'),
    reason !== undefined && make('p', { class: 'failed', role: 'alert' }, reason),
    make('label', { for: 'token' }, 'API token (admin.json in the data directory has the first one)'),
    field,
    make('button', { type: 'submit' }, 'Sign in'),
  );
  byId('main').replaceChildren(form);
  field.focus();
}

/**
 * A link may bring a token in its fragment, which no server sees; it is taken and leaves the address bar and the
 * history at once.
 */
function takeTokenFromAddress() {
  const match = /^#token=([0-9A-Za-z._~+-]+)$/.exec(location.hash);
  if (match?.[1] === undefined) return;
  token.set(match[1]);
  history.replaceState(null, '', `${location.pathname}#/`);
}

/** @param {AbortSignal} signal @param {boolean} mayAct */
async function currentView(signal, mayAct) {
  const [path = '', search = ''] = location.hash.slice(1).split('?');
  const parameters = new URLSearchParams(search);
  const context = { signal, onError: showError, mayAct };
  const job = /^\/jobs\/(\w+)$/.exec(path);
  return job?.[1] === undefined
    ? homeView(context, parameters.get('after') ?? undefined)
    : jobView(job[1], parameters, context);
}

async function show() {
  takeTokenFromAddress();
  leaving.abort();
  if (token.get() === null) {
    showSignIn();
    return;
  }
  leaving = new AbortController();
  const { signal } = leaving;
  hideNotice();
  try {
    const identity = /** @type {import('@lockstep/contract/account.ts').Identity} */ (
      await call('/identity')
    );
    byId('tenant').textContent = `${identity.tenantName} · ${identity.role}`;
    byId('sign-out').hidden = false;
    const view = await currentView(signal, identity.role !== 'reader');
    if (signal.aborted) return;
    byId('main').replaceChildren(view);
    byId('main').focus({ preventScroll: true });
  } catch (error) {
    if (signal.aborted) return;
    // Not what was asked for, and not what was there before either.
    byId('main').replaceChildren(
      make('h1', {}, 'This page cannot be shown'),
      make(
        'p',
        { class: 'row' },
        make('button', { type: 'button', onclick: () => void show() }, 'Try again'),
        make('a', { href: '#/' }, 'Syncs and jobs'),
      ),
    );
    showError(error);
  }
}

byId('sign-out').addEventListener('click', () => {
  token.clear();
  showSignIn();
});
// The address is the view's: the link within the page must not change it.
byId('skip').addEventListener('click', (event) => {
  event.preventDefault();
  byId('main').focus();
});
// What was said of one action is over with the next.
for (const action of ['click', 'change'])
  byId('main').addEventListener(action, hideNotice, { capture: true });
window.addEventListener('hashchange', () => void show());
void show();
