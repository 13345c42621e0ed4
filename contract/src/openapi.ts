import { z } from 'zod';
import { problemMediaType, problemSchema } from './problem.ts';
import type { Route } from './route.ts';
import { apiPrefix, routes } from './routes.ts';

type Json = Record<string, unknown>;

/** Answers that every operation can give, on top of its own. */
const commonErrors = ['InvalidRequest', 'Unauthenticated', 'Forbidden', 'LimitExceeded', 'Internal'] as const;

/** JSON Schema 2020-12, which OpenAPI 3.1 takes as it is; `io` says whether defaults are filled in. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      // The format says the same, readably.
      if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
    },
  });
  return rest;
}

/** A number in a query arrives as text; the document describes the number. */
function withoutTextPattern(schema: Json): Json {
  const { pattern: _, ...rest } = schema;
  return schema.type === 'integer' ? rest : schema;
}

function parameters(place: 'path' | 'query', schema: z.ZodObject | undefined): Json[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = schemaOf(schema, 'input') as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: place,
    required: required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema: withoutTextPattern(rest),
  }));
}

function successContent(route: Route): Json {
  if (route.media !== undefined) return { content: { [route.media]: { schema: { type: 'string' } } } };
  if (route.response === null) return {};
  return { content: { 'application/json': { schema: schemaOf(route.response, 'output') } } };
}

function operation(id: string, route: Route): Json {
  const codes = [...new Set([...route.errors, ...commonErrors])];
  return {
    operationId: id,
    summary: route.summary,
    tags: [route.tag],
    description: `Needs the role ${route.role}. Errors: ${codes.join(', ')}.`,
    parameters: [...parameters('path', route.params), ...parameters('query', route.query)],
    ...(route.body === undefined
      ? {}
      : {
          requestBody: {
            // Without one everything is as its defaults say.
            required: !route.body.safeParse({}).success,
            content: { 'application/json': { schema: schemaOf(route.body, 'input') } },
          },
        }),
    responses: {
      [route.status]: { description: 'Success', ...successContent(route) },
      default: {
        description: 'A problem (RFC 9457)',
        content: { [problemMediaType]: { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  };
}

/** The OpenAPI 3.1 document of the native API, from the route table. */
export function renderOpenApi(version: string): Json {
  const paths: Record<string, Json> = {};
  for (const [id, route] of Object.entries(routes as Record<string, Route>)) {
    const path = `${apiPrefix}${route.path}`;
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(id, route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Lockstep native API',
      version,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: { Problem: schemaOf(problemSchema, 'output') },
    },
  };
}
