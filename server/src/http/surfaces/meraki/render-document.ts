import { z } from 'zod';
import type { Operation, QueryParameter } from './operation.ts';

function renderParameter({ name, type, required }: QueryParameter) {
  const schema = type === 'array' ? { type, items: { type: 'string' } } : { type };
  return { name, in: 'query', required: required === true, schema };
}

function pathParameters(path: string) {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

/** The body as a client sends it, in the dialect of OpenAPI 3.0. */
function renderBody(schema: z.ZodType) {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io: 'input',
    target: 'openapi-3.0',
    unrepresentable: 'any',
  });
  return { required: false, content: { 'application/json': { schema: rest } } };
}

function renderOperation(operation: Operation) {
  const answer = operation.status === 204 ? {} : { content: { 'application/json': { schema: {} } } };
  return {
    operationId: operation.id,
    summary: operation.summary,
    tags: operation.tags,
    parameters: [...pathParameters(operation.path), ...(operation.query ?? []).map(renderParameter)],
    ...(operation.bodySchema === undefined ? {} : { requestBody: renderBody(operation.bodySchema) }),
    responses: { [operation.status]: { description: 'Successful operation', ...answer } },
    ...(operation.scope === undefined ? {} : { 'x-lockstep-scope': operation.scope }),
    ...(operation.batch === undefined ? {} : { 'x-batchable-action': operation.batch }),
  };
}

/** The OpenAPI 3.0 document of the operations that are here. */
export function renderDocument(operations: readonly Operation[], baseUrl: string): unknown {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of operations)
    paths[operation.path] = {
      ...paths[operation.path],
      [operation.method.toLowerCase()]: renderOperation(operation),
    };
  return {
    openapi: '3.0.1',
    info: { title: 'Meraki Dashboard API as Lockstep implements it', version: '1' },
    servers: [{ url: `${baseUrl}/api/v1` }],
    security: [{ meraki_api_key: [] }, { bearerAuth: [] }, { oauth2: [] }],
    components: {
      securitySchemes: {
        meraki_api_key: { type: 'apiKey', name: 'X-Cisco-Meraki-API-Key', in: 'header' },
        bearerAuth: { type: 'http', scheme: 'bearer' },
        oauth2: {
          type: 'oauth2',
          flows: {
            authorizationCode: {
              authorizationUrl: `${baseUrl}/oauth/authorize`,
              tokenUrl: `${baseUrl}/oauth/token`,
              scopes: Object.fromEntries(
                operations.flatMap(({ scope }) => (scope === undefined ? [] : [[scope, scope]])),
              ),
            },
          },
        },
      },
    },
    paths,
  };
}
