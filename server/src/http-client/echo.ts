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

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const inLowerCase = (escaped: string): string =>
  escaped.replaceAll(/%[0-9A-F]{2}/g, (octet) => octet.toLowerCase());

/** The ways in which a page, a form or JSON writes a text. */
function writings(text: string): string[] {
  const inForm = new URLSearchParams({ '': text }).toString().slice(1);
  const inAddress = encodeURIComponent(text);
  const inJson = JSON.stringify(text).slice(1, -1);
  const inAscii = inJson.replaceAll(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  const inPage = text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);
  return [
    text,
    inPage,
    inForm,
    inLowerCase(inForm),
    inAddress,
    inLowerCase(inAddress),
    ...[inJson, inAscii].flatMap((json) => [json, json.replaceAll('/', '\\/')]),
  ];
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
