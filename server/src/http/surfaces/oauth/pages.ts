/** Text in HTML (WHATWG HTML section 13.3). */
function escape(text: string): string {
  const names: Record<string, string> = { '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot', "'": '#39' };
  return text.replaceAll(/[&<>"']/g, (character) => `&${names[character] ?? ''};`);
}

const style = `body{font:16px/1.5 system-ui,sans-serif;max-width:28rem;margin:10vh auto;padding:0 1rem}
input{width:100%;font:inherit;padding:.4rem;box-sizing:border-box}button{font:inherit;padding:.4rem 1rem;margin:1rem .5rem 0 0}
.problem{color:#a00}@media(prefers-color-scheme:dark){body{background:#111;color:#eee}.problem{color:#f88}}`;

function renderPage(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escape(title)}</title>
<style>${style}</style></head>
<body><main><h1>${escape(title)}</h1>
${body}
</main></body></html>
`;
}

export interface ConsentPage {
  readonly clientName: string;
  readonly scopes: readonly string[];
  /** Parameters of the request, which come back with the answer. */
  readonly request: Readonly<Record<string, string>>;
  readonly problem?: string;
}

/** Asks a person who they are and whether the client may have access. */
export function renderConsent({ clientName, scopes, request, problem }: ConsentPage): string {
  const hidden = Object.entries(request)
    .map(([name, value]) => `<input type="hidden" name="${escape(name)}" value="${escape(value)}">`)
    .join('\n');
  return renderPage(
    'Allow access to Lockstep?',
    `<p><strong>${escape(clientName)}</strong> asks for:</p>
<ul>${scopes.map((scope) => `<li><code>${escape(scope)}</code></li>`).join('')}</ul>
${problem === undefined ? '' : `<p class="problem" role="alert">${escape(problem)}</p>`}
<form method="post" action="/oauth/authorize">
${hidden}
<label for="token">Your API token</label>
<input id="token" name="api_token" type="password" autocomplete="current-password" required autofocus>
<button name="decision" value="allow">Allow</button>
<button name="decision" value="deny" formnovalidate>Deny</button>
</form>`,
  );
}

/** Tells a person that the request cannot be answered, when there is nowhere to send the browser back to. */
export function renderRefusal(problem: string): string {
  return renderPage(
    'This request cannot be answered',
    `<p class="problem" role="alert">${escape(problem)}</p>`,
  );
}
