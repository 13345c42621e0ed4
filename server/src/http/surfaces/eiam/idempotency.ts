import { createHash } from 'node:crypto';
import { runOnce } from '../../../app/access/idempotency.ts';
import type { Actor } from '../../../app/actor.ts';
import type { Application } from '../../../app/application.ts';
import { EiamError } from './errors.ts';
import type { Answer, Operation } from './operation.ts';

/** From a hash secrets could be guessed: none goes into it. */
const secrets = new Set(['Password', 'AdministratorPassword', 'ClientSecret', 'AccessToken', 'EncryptKey']);
const withoutSecrets = (name: string, value: unknown): unknown => (secrets.has(name) ? undefined : value);

/**
 * Answers a request, or repeats the answer that an equal one with the same ClientToken got within a day. An error is
 * not kept: the request may be tried again.
 * @throws EiamError IdempotentParameterMismatch, when the token came with other parameters.
 */
export async function answerOnce(
  app: Application,
  actor: Actor,
  operation: Operation,
  parameters: Readonly<Record<string, unknown>>,
  answer: () => Promise<Answer>,
): Promise<Answer> {
  const { ClientToken: token, ...rest } = parameters;
  if (typeof token !== 'string' || token === '') return answer();
  const parametersHash = createHash('sha256').update(JSON.stringify(rest, withoutSecrets)).digest();
  const request = { operation: operation.name, token, parametersHash };
  const outcome = await runOnce(app, actor, request, answer);
  if (outcome.state === 'answered') return outcome.answer;
  if (outcome.state === 'atWork') {
    throw new EiamError(409, 'IdempotentProcessing', 'A request with the same ClientToken is at work.');
  }
  throw new EiamError(
    400,
    'IdempotentParameterMismatch',
    'The ClientToken was used with other parameters before.',
  );
}
