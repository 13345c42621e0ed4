import { sql, type Kysely } from 'kysely';
import type { Database } from '../schema.ts';

type Executor = Kysely<Database>;

interface IdempotencyKey {
  readonly tenantId: string;
  readonly operation: string;
  readonly token: string;
}

/** Takes a token, or one whose first request was begun before `staleBefore` and never ended. @returns whether it did. */
export async function beginIdempotentRequest(
  executor: Executor,
  request: IdempotencyKey & { parametersHash: Uint8Array; now: Date; staleBefore: Date },
): Promise<boolean> {
  const { rows } = await sql`
    insert into idempotent_request (tenant_id, operation, token, parameters_hash, created_at)
    values (${request.tenantId}, ${request.operation}, ${request.token}, ${request.parametersHash}, ${request.now})
    on conflict (tenant_id, operation, token) do update
      set parameters_hash = excluded.parameters_hash, created_at = excluded.created_at
      where idempotent_request.answer is null and idempotent_request.created_at < ${request.staleBefore}
    returning token`.execute(executor);
  return rows.length > 0;
}

export async function findIdempotentRequest(
  executor: Executor,
  { tenantId, operation, token }: IdempotencyKey,
): Promise<{ parametersHash: Uint8Array; answer: Readonly<Record<string, unknown>> | null } | undefined> {
  const { rows } = await sql<{
    parametersHash: Uint8Array;
    answer: Readonly<Record<string, unknown>> | null;
  }>`
    select parameters_hash as "parametersHash", answer from idempotent_request
    where tenant_id = ${tenantId} and operation = ${operation} and token = ${token}`.execute(executor);
  return rows[0];
}

export async function keepIdempotentAnswer(
  executor: Executor,
  { tenantId, operation, token }: IdempotencyKey,
  answer: unknown,
): Promise<void> {
  await sql`
    update idempotent_request set answer = ${JSON.stringify(answer)}::jsonb
    where tenant_id = ${tenantId} and operation = ${operation} and token = ${token}`.execute(executor);
}

export async function dropIdempotentRequest(
  executor: Executor,
  { tenantId, operation, token }: IdempotencyKey,
): Promise<void> {
  await sql`
    delete from idempotent_request
    where tenant_id = ${tenantId} and operation = ${operation} and token = ${token} and answer is null`.execute(
    executor,
  );
}
