/** What a request proves itself by: values of its Authorization, and members of its form (RFC 6749, RFC 7521). */
interface Proof {
  readonly authorizations: readonly (string | undefined)[];
  readonly form: Readonly<Record<string, string>> | undefined;
}

/** A shorter text would stand in many an answer by chance. */
const shortest = 4;

/** The credential of `Bearer TOKEN`; of `Basic` the password too, as it is and as it was encoded for the header. */
function credentialsOf(authorization: string): string[] {
  const [scheme = '', credential = ''] = authorization.split(' ');
  if (scheme !== 'Basic') return [credential];
  const password = Buffer.from(credential, 'base64').toString().replace(/^.*?:/s, '');
  return [credential, password, new URLSearchParams(`=${password}`).get('') ?? ''];
}

/** The ways in which a page, a form or JSON writes a text. */
function writings(text: string): string[] {
  const inForm = new URLSearchParams({ '': text }).toString().slice(1);
  return [text, encodeURIComponent(text), inForm, JSON.stringify(text).slice(1, -1)];
}

/** An answer that shows the request it is to, without the credentials: messages are made of it, which readers see. */
export function withoutCredentials(answer: string, { authorizations, form }: Proof): string {
  const credentials = [
    ...authorizations.flatMap((value) => (value === undefined ? [] : credentialsOf(value))),
    ...[form?.['client_secret'], form?.['client_assertion']].filter((value) => value !== undefined),
  ];
  return credentials
    .filter(({ length }) => length >= shortest)
    .flatMap(writings)
    .reduce((text, credential) => text.replaceAll(credential, '***'), answer);
}
