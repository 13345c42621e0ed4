import { expect, test } from 'vitest';
import { openIdleApplication } from '../../servers/application.ts';
import { serveApplication } from '../../servers/api-client.ts';
import { describeOnServerStore } from '../../servers/shared-store.ts';
import { draftV1, draftV3, sendDraft, type Draft, type Key } from './signing-client.ts';

/** What is done to a request after it was signed, and the code that refuses it. */
interface Tampering {
  readonly name: string;
  readonly code: string;
  bend(draft: Draft): void;
}

const mismatch = 'SignatureDoesNotMatch';

/** Another character in the place of one. */
function flip(text: string, index: number): string {
  const replacement = text[index] === 'a' ? 'b' : 'a';
  return text.slice(0, index) + replacement + text.slice(index + 1);
}

function setQuery(draft: Draft, name: string, change: (value: string) => string): void {
  draft.query = draft.query.map(([key, value]) => (key === name ? [key, change(value)] : [key, value]));
}

function setSignature(draft: Draft, change: (signature: string) => string): void {
  draft.headers['authorization'] = (draft.headers['authorization'] ?? '').replace(
    /Signature=(\w+)$/,
    (_, signature: string) => `Signature=${change(signature)}`,
  );
}

const signatureV3: Tampering[] = Array.from({ length: 64 }, (_, index) => ({
  name: `digit ${index} of the signature`,
  code: mismatch,
  bend: (draft) => setSignature(draft, (text) => flip(text, index)),
}));

const nonceV3: Tampering[] = Array.from({ length: 32 }, (_, index) => ({
  name: `digit ${index} of the nonce`,
  code: mismatch,
  bend: (draft) => {
    draft.headers['x-acs-signature-nonce'] = flip(draft.headers['x-acs-signature-nonce'] ?? '', index);
  },
}));

const droppedV3: Tampering[] = (
  [
    ['x-acs-action', 'MissingAction'],
    ['x-acs-version', 'MissingVersion'],
    ['x-acs-date', 'MissingTimestamp'],
    ['x-acs-signature-nonce', 'MissingSignatureNonce'],
    ['x-acs-content-sha256', 'IncompleteSignature'],
    ['authorization', 'IncompleteSignature'],
  ] as const
).map(([header, code]) => ({
  name: `header ${header} dropped`,
  code,
  bend: (draft) => delete draft.headers[header],
}));

const uncoveredV3: Tampering[] = [
  'host',
  'x-acs-action',
  'x-acs-version',
  'x-acs-date',
  'x-acs-signature-nonce',
  'x-acs-content-sha256',
].map((header) => ({
  name: `header ${header} taken out of SignedHeaders`,
  code: 'IncompleteSignature',
  bend: (draft) => {
    draft.headers['authorization'] = (draft.headers['authorization'] ?? '').replace(
      /SignedHeaders=[^,]+/,
      (list) => list.replace(header, '').replace('=;', '=').replace(';;', ';').replace(/;$/, ''),
    );
  },
}));

function parameterTamperings(parameters: Readonly<Record<string, string>>): Tampering[] {
  const each = Object.keys(parameters);
  return [
    ...each.map((name) => ({
      name: `parameter ${name} changed`,
      code: mismatch,
      bend: (draft: Draft) => setQuery(draft, name, (value) => flip(value, 0)),
    })),
    ...each.map((name) => ({
      name: `parameter ${name} emptied`,
      code: mismatch,
      bend: (draft: Draft) => setQuery(draft, name, () => ''),
    })),
    ...each.map((name) => ({
      name: `parameter ${name} dropped`,
      code: mismatch,
      bend: (draft: Draft) => {
        draft.query = draft.query.filter(([key]) => key !== name);
      },
    })),
    ...each.map((name) => ({
      name: `parameter ${name} renamed`,
      code: mismatch,
      bend: (draft: Draft) => {
        draft.query = draft.query.map(([key, value]) => (key === name ? [`${key}x`, value] : [key, value]));
      },
    })),
    ...each.map((name) => ({
      name: `parameter ${name} twice`,
      code: `InvalidParameter.${name}`,
      bend: (draft: Draft) => draft.query.push([name, 'other']),
    })),
  ];
}

const parameters = { InstanceId: '', Note: "a b+c*d'(e)!~/é你", 'Ids.1': 'x', 'Ids.3': 'z', Empty: ' ' };

const otherV3: Tampering[] = [
  { name: 'method', code: mismatch, bend: (draft) => (draft.method = 'GET') },
  { name: 'a parameter added', code: mismatch, bend: (draft) => draft.query.push(['Extra', '1']) },
  { name: 'a body added', code: mismatch, bend: (draft) => (draft.body = 'Extra=1') },
  {
    name: 'a body added, with its hash',
    code: mismatch,
    bend: (draft) => {
      draft.body = 'Extra=1';
      draft.headers['x-acs-content-sha256'] = '9'.repeat(64);
    },
  },
  { name: 'host', code: mismatch, bend: (draft) => (draft.headers['host'] = 'elsewhere.example') },
  {
    name: 'another action',
    code: mismatch,
    bend: (draft) => (draft.headers['x-acs-action'] = 'ListRegions'),
  },
  {
    name: 'an unknown action',
    code: 'InvalidAction.NotFound',
    bend: (draft) => (draft.headers['x-acs-action'] = 'GetInstances'),
  },
  {
    name: 'a second action in the query',
    code: 'InvalidParameter.Action',
    bend: (draft) => draft.query.push(['Action', 'ListRegions']),
  },
  {
    name: 'version',
    code: 'InvalidVersion',
    bend: (draft) => (draft.headers['x-acs-version'] = '2021-12-02'),
  },
  {
    name: 'a date a minute later',
    code: mismatch,
    bend: (draft) => {
      const later = new Date(Date.parse(draft.headers['x-acs-date'] ?? '') + 60_000);
      draft.headers['x-acs-date'] = `${later.toISOString().slice(0, 19)}Z`;
    },
  },
  {
    name: 'a date of yesterday',
    code: 'InvalidTimeStamp.Expired',
    bend: (draft) => (draft.headers['x-acs-date'] = '2001-01-01T00:00:00Z'),
  },
  {
    name: 'a date in another form',
    code: 'InvalidTimeStamp.Format',
    bend: (draft) => (draft.headers['x-acs-date'] = 'yesterday'),
  },
  {
    name: 'a hash of another body',
    code: mismatch,
    bend: (draft) => (draft.headers['x-acs-content-sha256'] = '0'.repeat(64)),
  },
  {
    name: 'UNSIGNED-PAYLOAD',
    code: mismatch,
    bend: (draft) => (draft.headers['x-acs-content-sha256'] = 'UNSIGNED-PAYLOAD'),
  },
  {
    name: 'a header that nobody signed',
    code: 'IncompleteSignature',
    bend: (draft) => (draft.headers['x-acs-extra'] = '1'),
  },
  {
    name: 'a token that nobody signed',
    code: 'IncompleteSignature',
    bend: (draft) => (draft.headers['x-acs-security-token'] = 'x'),
  },
  {
    name: 'a key that nobody has',
    code: 'InvalidAccessKeyId.NotFound',
    bend: (draft) => {
      draft.headers['authorization'] = (draft.headers['authorization'] ?? '').replace(
        /LTAI\w+/,
        'LTAInobody',
      );
    },
  },
  {
    name: 'another algorithm',
    code: 'InvalidSignatureMethod',
    bend: (draft) => {
      draft.headers['authorization'] = (draft.headers['authorization'] ?? '').replace('SHA256', 'SM3');
    },
  },
  {
    name: 'a shorter signature',
    code: mismatch,
    bend: (draft) => setSignature(draft, (text) => text.slice(1)),
  },
  { name: 'a longer signature', code: mismatch, bend: (draft) => setSignature(draft, (text) => `${text}0`) },
  {
    name: 'the signature in capitals',
    code: mismatch,
    bend: (draft) => setSignature(draft, () => 'ABCDEF01'.repeat(8)),
  },
];

const signatureV1: Tampering[] = Array.from({ length: 27 }, (_, index) => ({
  name: `character ${index} of the signature`,
  code: mismatch,
  bend: (draft) => setQuery(draft, 'Signature', (text) => flip(text, index)),
}));
const nonceV1: Tampering[] = Array.from({ length: 32 }, (_, index) => ({
  name: `digit ${index} of the nonce`,
  code: mismatch,
  bend: (draft) => setQuery(draft, 'SignatureNonce', (text) => flip(text, index)),
}));
const droppedV1: Tampering[] = (
  [
    ['Action', 'MissingAction'],
    ['Version', 'MissingVersion'],
    ['Timestamp', 'MissingTimestamp'],
    ['SignatureNonce', 'MissingSignatureNonce'],
    ['SignatureMethod', 'MissingSignatureMethod'],
    ['SignatureVersion', 'MissingSignatureVersion'],
    ['AccessKeyId', 'MissingAccessKeyId'],
    ['Signature', 'MissingSignature'],
    ['Format', mismatch],
  ] as const
).map(([name, code]) => ({
  name: `${name} dropped`,
  code,
  bend: (draft) => {
    draft.query = draft.query.filter(([key]) => key !== name);
    // Without an action in query or header a GET is the console's.
    if (name === 'Action') draft.method = 'POST';
  },
}));
const otherV1: Tampering[] = [
  { name: 'method', code: mismatch, bend: (draft) => (draft.method = 'POST') },
  { name: 'a parameter added', code: mismatch, bend: (draft) => draft.query.push(['Extra', '1']) },
  {
    name: 'a form parameter added',
    code: mismatch,
    bend: (draft) => {
      draft.method = 'POST';
      draft.body = 'Extra=1';
    },
  },
  {
    name: 'another action',
    code: mismatch,
    bend: (draft) => setQuery(draft, 'Action', () => 'ListRegions'),
  },
  {
    name: 'HMAC-SHA256',
    code: 'InvalidSignatureMethod',
    bend: (draft) => setQuery(draft, 'SignatureMethod', () => 'HMAC-SHA256'),
  },
  {
    name: 'another version of signatures',
    code: 'IncompleteSignature',
    bend: (draft) => setQuery(draft, 'SignatureVersion', () => '2.0'),
  },
  {
    name: 'a time long ago',
    code: 'InvalidTimeStamp.Expired',
    bend: (draft) => setQuery(draft, 'Timestamp', () => '2001-01-01T00:00:00Z'),
  },
  {
    name: 'a time in another form',
    code: 'InvalidTimeStamp.Format',
    bend: (draft) => setQuery(draft, 'Timestamp', () => '2001-01-01'),
  },
  {
    name: 'a key that nobody has',
    code: 'InvalidAccessKeyId.NotFound',
    bend: (draft) => setQuery(draft, 'AccessKeyId', () => 'LTAInobody'),
  },
];

const v3 = [
  ...signatureV3,
  ...nonceV3,
  ...droppedV3,
  ...uncoveredV3,
  ...parameterTamperings(parameters),
  ...otherV3,
];
const v1 = [...signatureV1, ...nonceV1, ...droppedV1, ...parameterTamperings(parameters), ...otherV1];

test('there are enough ways to tamper', () => {
  expect(v3.length + v1.length).toBeGreaterThanOrEqual(200);
});

describeOnServerStore('tampered requests', (makeStore) => {
  async function start() {
    const client = await serveApplication(await openIdleApplication(await makeStore()), {
      eiamRequestsPerSecond: 100_000,
    });
    const { accessKeyId, accessKeySecret, tenantId } = client.app.credentials;
    const key: Key = { id: accessKeyId, secret: accessKeySecret };
    const host = new URL(client.url).host;
    return { client, key, host, given: { ...parameters, InstanceId: tenantId } };
  }

  test.each([
    ['V3', draftV3, v3],
    ['V1', draftV1, v1],
  ] as const)(
    '%s: each is refused with its code, and the untouched one passes',
    async (_name, draft, all) => {
      const { client: opened, key, host, given } = await start();
      await using client = opened;
      const untouched = await sendDraft(client.url, draft(host, key, 'GetInstance', given));
      expect(untouched).toMatchObject({ status: 200, body: { Instance: { InstanceId: given.InstanceId } } });
      const answers: Record<string, unknown> = {};
      const expected: Record<string, unknown> = {};
      for (const tampering of all) {
        const request = draft(host, key, 'GetInstance', given);
        tampering.bend(request);
        const reply = await sendDraft(client.url, request);
        answers[tampering.name] = [reply.status >= 400, reply.body['Code']];
        expected[tampering.name] = [true, tampering.code];
      }
      expect(answers).toEqual(expected);
    },
  );
});
