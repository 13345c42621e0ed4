import { expect, test } from 'vitest';
import { partSecretFields } from './secret-fields.ts';

test('takes secrets out of a configuration, nested ones too, and leaves it as it was', () => {
  const configuration = { url: 'u', token: 't', oauth: { clientId: 'c', clientSecret: { file: 'f' } } };
  expect(partSecretFields(configuration, ['token', 'oauth.clientSecret', 'password'])).toEqual({
    settings: { url: 'u', oauth: { clientId: 'c' } },
    secrets: { token: 't', 'oauth.clientSecret': { file: 'f' } },
  });
  expect(configuration.oauth.clientSecret).toEqual({ file: 'f' });
});

test('does not mistake a field of the top for a nested one whose group is not there', () => {
  expect(partSecretFields({ clientSecret: 'shown' }, ['oauth.clientSecret'])).toEqual({
    settings: { clientSecret: 'shown' },
    secrets: {},
  });
});
