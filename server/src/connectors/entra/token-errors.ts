import type { HttpResponse } from '../../http-client/client.ts';
import { LockstepError } from '../../kernel/errors.ts';

/** What the codes mean that administrators meet, and what helps. */
const explanations: Readonly<Record<string, readonly [meaning: string, remedy: string]>> = {
  AADSTS7000215: [
    'the client secret is wrong',
    'Give clientSecret the value of the secret, not its id; the portal shows it only when it is made.',
  ],
  AADSTS7000222: [
    'the client secret has expired',
    'Make a new secret for the application in Entra ID and give it as clientSecret.',
  ],
  AADSTS700016: [
    'the tenant does not know the application',
    'Check clientId and tenantId, and that an administrator has consented to the application in this tenant.',
  ],
  AADSTS90002: [
    'there is no such tenant',
    'Check tenantId, and cloud: national clouds have tenants of their own.',
  ],
  AADSTS900023: ['tenantId is neither an id nor a domain', 'Check tenantId.'],
  AADSTS900382: ['the tenant is in another cloud', 'Set cloud to the one that the tenant lives in.'],
  AADSTS700027: [
    'the signature of the certificate is not accepted',
    'Upload the certificate to the application in Entra ID, and check that certificate names it with its own key.',
  ],
  AADSTS700024: [
    'the signed assertion is not valid at this time',
    'Set the clock of this machine right; a federated token may have expired.',
  ],
  AADSTS700021: [
    'the federated token is not of the issuer, subject or audience that was agreed',
    'Compare the token with the federated credential of the application.',
  ],
  AADSTS700213: [
    'no federated credential of the application fits the token',
    'Add a federated credential with the issuer, subject and audience of the token.',
  ],
  AADSTS700211: [
    'no federated credential of the application is of the issuer of the token',
    'Add a federated credential with the issuer of the token.',
  ],
  AADSTS7000112: ['the application is disabled', 'Enable the application in Entra ID.'],
  AADSTS500011: ['the tenant does not know Microsoft Graph at this address', 'Check graphUrl and cloud.'],
  AADSTS53003: [
    'a policy of conditional access blocks the application',
    'Let the workload identity through in conditional access.',
  ],
  AADSTS7000216: ['no credential was sent', 'Give clientSecret, certificate or federatedToken.'],
};

/** The token service answers so when it is overloaded or broken, not when it refuses. */
const passing = new Set(['AADSTS90033', 'AADSTS50196', 'AADSTS90055', 'AADSTS90025']);

/** The first line of a description, without the trace ids that follow it. */
function firstLine(description: string): string {
  return (description.split(/\r?\n| Trace ID:/)[0] ?? '').trim();
}

/** An error for an answer of the token service that gives no token: its code, what it means and what helps. */
export function explainTokenFailure({ status, body }: HttpResponse): LockstepError {
  const { error, error_description: text } = (body ?? {}) as Record<string, unknown>;
  const description = typeof text === 'string' ? firstLine(text) : '';
  const code = /AADSTS\d+/.exec(description)?.[0];
  if (status >= 500 || status === 429 || (code !== undefined && passing.has(code)))
    return new LockstepError(
      'ConnectionFailed',
      `Microsoft Entra ID gives no token at the moment: it answered ${status} ${description}`.trim(),
    );
  const known = code === undefined ? undefined : explanations[code];
  const said =
    description === ''
      ? `it answered ${status} ${typeof error === 'string' ? error : ''}`.trim()
      : description;
  const reason = known === undefined ? said : `${known[0]} (${code})`;
  return new LockstepError('AuthenticationRejected', `Microsoft Entra ID gives no token: ${reason}`, {
    remedy: known?.[1] ?? 'Check tenantId, clientId and the credential.',
  });
}
