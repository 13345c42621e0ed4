import type { JsonObject } from './json.ts';

/** What an error answer of Microsoft Graph carries besides its code and message. */
interface GraphErrorOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** `error.details`, where the documentation has them. */
  readonly details?: readonly JsonObject[];
}

/** A request that Graph refuses: status, and the code and message of its error envelope. */
export class GraphError extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly details: readonly JsonObject[] | undefined;

  constructor(status: number, code: string, message: string, options: GraphErrorOptions = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = options.headers ?? {};
    this.details = options.details;
  }
}

export const badRequest = (message: string, details?: readonly JsonObject[]): GraphError =>
  new GraphError(400, 'Request_BadRequest', message, details === undefined ? {} : { details });

/** A query that the service parses and does not support; also one whose syntax is wrong. */
export const unsupportedQuery = (message: string): GraphError =>
  new GraphError(400, 'Request_UnsupportedQuery', message);

/** An OData request that cannot be parsed: unknown properties, options or values. */
export const malformed = (message: string): GraphError => new GraphError(400, 'BadRequest', message);

export const notFound = (id: string): GraphError =>
  new GraphError(
    404,
    'Request_ResourceNotFound',
    `Resource '${id}' does not exist or one of its queried reference-property objects are not present.`,
  );

export const invalidValue = (property: string, resource: string): GraphError =>
  badRequest(`Invalid value specified for property '${property}' of resource '${resource}'.`, [
    {
      code: 'InvalidValue',
      target: property,
      message: `Invalid value specified for property '${property}'.`,
    },
  ]);

/** Two objects would have one value of a property that must be unique. */
export const conflictingValue = (property: string): GraphError => {
  const message = `Another object with the same value for property ${property} already exists.`;
  return badRequest(message, [{ code: 'ObjectConflict', target: property, message }]);
};
