import { expect, test } from 'vitest';
import { EiamError } from './errors.ts';
import { readSignatureV1 } from './signature-v1.ts';
import { readSignatureV3 } from './signature-v3.ts';
import { checkTimestamp } from './signed-request.ts';
import { mergeParameters, parseWireRequest, type WireRequest } from './wire.ts';

// The worked examples of the vendor's description of its two ways of signing.
const v3Headers: Readonly<Record<string, string>> = {
  Host: 'ecs.cn-shanghai.aliyuncs.com',
  'x-acs-action': 'RunInstances',
  'x-acs-content-sha256': 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  'x-acs-date': '2023-10-26T10:22:32Z',
  'x-acs-signature-nonce': '3156853299f313e23d1673dc12e1703d',
  'x-acs-version': '2014-05-26',
  Authorization:
    'ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;' +
    'x-acs-signature-nonce;x-acs-version,Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0',
};
const v3Url = '/?ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai';
const v1Url =
  '/?Timestamp=2016-02-23T12:46:24Z&Format=XML&AccessKeyId=testid&Action=DescribeRegions&SignatureMethod=HMAC-SHA1' +
  '&SignatureNonce=3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf&Version=2014-05-26&SignatureVersion=1.0' +
  '&Signature=OLeaidS1JvxuMvnyHOwuJ%2BuX5qY%3D';

function wire(
  method: string,
  url: string,
  headers: Readonly<Record<string, string>> = {},
  body = '',
): WireRequest {
  return parseWireRequest({
    method,
    url,
    rawHeaders: Object.entries(headers).flat(),
    body: Buffer.from(body),
  });
}

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof EiamError) return error.code;
    throw error;
  }
  return 'passed';
}

test('the documented example of V3 verifies, with its own secret alone', () => {
  const signed = readSignatureV3(wire('POST', v3Url, v3Headers));
  expect(signed).toMatchObject({
    accessKeyId: 'YourAccessKeyId',
    timestamp: '2023-10-26T10:22:32Z',
    nonce: '3156853299f313e23d1673dc12e1703d',
  });
  expect(codeOf(() => signed.verify('YourAccessKeySecret'))).toBe('passed');
  expect(codeOf(() => signed.verify('YourAccessKeySecre'))).toBe('SignatureDoesNotMatch');
});

test('the documented example of V1 verifies, with its own secret alone', () => {
  const request = wire('GET', v1Url);
  const signed = readSignatureV1(request, mergeParameters(request));
  expect(signed).toMatchObject({ accessKeyId: 'testid', timestamp: '2016-02-23T12:46:24Z' });
  expect(codeOf(() => signed.verify('testsecret'))).toBe('passed');
  expect(codeOf(() => signed.verify('testsecret&'))).toBe('SignatureDoesNotMatch');
});

test('a mismatch shows the text that was signed here', () => {
  const request = wire('POST', v1Url);
  const signed = readSignatureV1(request, mergeParameters(request));
  expect(() => signed.verify('testsecret')).toThrow(
    /server string to sign is:POST&%2F&AccessKeyId%3Dtestid%26Act/,
  );
});

test.each([
  ['2026-11-21T23:29:07Z', 'passed'],
  ['2026-11-21T23:14:07Z', 'passed'],
  ['2026-11-21T23:44:07Z', 'passed'],
  ['2026-11-21T23:14:06Z', 'InvalidTimeStamp.Expired'],
  ['2026-11-21T23:44:08Z', 'InvalidTimeStamp.Expired'],
  ['2026-11-21T23:29:07', 'InvalidTimeStamp.Format'],
  ['2026-11-21T23:29:07.000Z', 'InvalidTimeStamp.Format'],
  ['2026-11-21 23:29:07Z', 'InvalidTimeStamp.Format'],
  ['2026-13-21T23:29:07Z', 'InvalidTimeStamp.Format'],
  ['2026-11-31T23:29:07Z', 'InvalidTimeStamp.Format'],
  ['Sat, 21 Nov 2026 23:29:07 GMT', 'InvalidTimeStamp.Format'],
  ['1795303747', 'InvalidTimeStamp.Format'],
])('at 23:29:07 the time %s: %s', (timestamp, code) => {
  expect(codeOf(() => checkTimestamp(timestamp, new Date('2026-11-21T23:29:07Z')))).toBe(code);
});

const authorization = v3Headers['Authorization'] ?? '';
test.each([
  ['another algorithm', { Authorization: authorization.replace('SHA256', 'SM3') }, 'InvalidSignatureMethod'],
  ['RSA', { Authorization: authorization.replace('HMAC', 'RSA') }, 'InvalidSignatureMethod'],
  ['no credential', { Authorization: authorization.replace('Credential=', 'Cred=') }, 'IncompleteSignature'],
  ['no signature', { Authorization: authorization.replace(/,Signature=.*/, '') }, 'IncompleteSignature'],
  ['nothing but the algorithm', { Authorization: 'ACS3-HMAC-SHA256' }, 'IncompleteSignature'],
  ['a part that comes twice', { Authorization: `${authorization},Signature=0` }, 'IncompleteSignature'],
  ['the host unsigned', { Authorization: authorization.replace('host;', '') }, 'IncompleteSignature'],
  [
    'the action unsigned',
    { Authorization: authorization.replace('x-acs-action;', '') },
    'IncompleteSignature',
  ],
  ['a further header unsigned', { 'x-acs-extra': '1' }, 'IncompleteSignature'],
  [
    'headers out of order',
    { Authorization: authorization.replace('host;x-acs-action', 'x-acs-action;host') },
    'IncompleteSignature',
  ],
  ['headers in capitals', { Authorization: authorization.replace('host', 'Host') }, 'IncompleteSignature'],
  ['no date', { 'x-acs-date': '' }, 'MissingTimestamp'],
  ['no nonce', { 'x-acs-signature-nonce': '' }, 'MissingSignatureNonce'],
  ['no hash', { 'x-acs-content-sha256': '' }, 'IncompleteSignature'],
  [
    'a hash in capitals',
    { 'x-acs-content-sha256': v3Headers['x-acs-content-sha256']?.toUpperCase() ?? '' },
    'SignatureDoesNotMatch',
  ],
])('V3 with %s is refused', (_what, change, code) => {
  const request = wire('POST', v3Url, { ...v3Headers, ...change });
  expect(codeOf(() => readSignatureV3(request).verify('YourAccessKeySecret'))).toBe(code);
});

test('blanks around the parts of Authorization do not count', () => {
  const headers = { ...v3Headers, Authorization: authorization.replaceAll(',', ' , ') };
  expect(codeOf(() => readSignatureV3(wire('POST', v3Url, headers)).verify('YourAccessKeySecret'))).toBe(
    'passed',
  );
});

test('the order and the encoding of the query on the wire do not count', () => {
  const url = '/?RegionId=cn%2Dshanghai&&ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811%2evhd';
  expect(codeOf(() => readSignatureV3(wire('POST', url, v3Headers)).verify('YourAccessKeySecret'))).toBe(
    'passed',
  );
});

test('a body whose media type is not signed is refused', () => {
  const headers = { ...v3Headers, 'content-type': 'application/x-www-form-urlencoded' };
  expect(codeOf(() => readSignatureV3(wire('POST', v3Url, headers)))).toBe('passed');
  expect(codeOf(() => readSignatureV3(wire('POST', v3Url, headers, 'a=b')))).toBe('IncompleteSignature');
});

test.each([
  ['/?a=%ff', 'InvalidParameter'],
  ['/?a=%', 'InvalidParameter'],
  ['/?a=%00', 'InvalidParameter'],
  [`/?${'n'.repeat(600)}=1`, `InvalidParameter.${'n'.repeat(100)}`],
  ['/?a=1&b=2&a=1', 'InvalidParameter.a'],
  ['/?%3Cscript%3E=1&%3Cscript%3E=2', 'InvalidParameter._script_'],
])('the query of %s is refused', (url, code) => {
  expect(codeOf(() => mergeParameters(wire('GET', url)))).toBe(code);
});

test('a body is a form, in UTF-8', () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
  expect(wire('POST', '/', form, 'a=%E4%BD%A0+b').form).toEqual([['a', '你 b']]);
  expect(codeOf(() => wire('POST', '/', { 'content-type': 'application/json' }, '{}'))).toBe(
    'UnsupportedMediaType',
  );
  const bytes = { method: 'POST', url: '/', rawHeaders: [], body: Buffer.of(0x61, 0x3d, 0xff) };
  expect(codeOf(() => parseWireRequest(bytes))).toBe('InvalidParameter');
});
