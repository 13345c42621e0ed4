import { mostBulkOperations, runBulk } from '../../../app/scim/bulk.ts';
import { pageLimits } from '../../../app/scim/listing.ts';
import { searchAllResources } from '../../../app/scim/search-all.ts';
import { LockstepError } from '../../../kernel/errors.ts';
import { parseBulkRequest } from '../../../scim/bulk/request.ts';
import { renderBulkResponse } from '../../../scim/bulk/response.ts';
import { parseListQuery, parseSearchRequest, type ListRequest } from '../../../scim/listing/list-request.ts';
import { renderListResponse } from '../../../scim/listing/list-response.ts';
import type { ScimResource } from '../../../scim/resource.ts';
import { foldCase } from '../../../scim/resource.ts';
import { renderResourceTypeDocuments, renderSchemaDocuments } from '../../../scim/schema/documents.ts';
import { renderServiceProviderConfig } from '../../../scim/service-provider-config.ts';
import { queryOf, type Exchange } from './exchange.ts';
import { sendJson } from './media-type.ts';

/** GET /ServiceProviderConfig (RFC 7643 section 5). */
export async function getServiceProviderConfig({ push, request, reply }: Exchange): Promise<void> {
  const { defaultCount, maxCount } = pageLimits;
  const config = renderServiceProviderConfig(
    {
      patch: true,
      bulk: {
        supported: true,
        maxOperations: mostBulkOperations,
        maxPayloadSize: request.server.initialConfig.bodyLimit ?? 0,
      },
      filter: { supported: true, maxResults: maxCount },
      changePassword: false,
      sort: true,
      etag: true,
      pagination: {
        cursor: true,
        index: true,
        defaultPaginationMethod: 'index',
        defaultPageSize: defaultCount,
        maxPageSize: maxCount,
      },
      authenticationSchemes: [
        {
          type: 'oauthbearertoken',
          name: 'Bearer token',
          description: 'A token of this connection, made by its administrator.',
          specUri: 'https://www.rfc-editor.org/info/rfc6750',
          primary: true,
        },
      ],
    },
    push.baseUrl,
  );
  await sendJson(request, reply, config);
}

/** RFC 7644 section 4: what describes the service cannot be filtered, whoever tries is told so. */
function refuseFilter(exchange: Exchange): void {
  if (Object.keys(queryOf(exchange)).some((name) => foldCase(name) === 'filter'))
    throw new LockstepError('Forbidden', 'These resources cannot be filtered.');
}

async function sendDocuments(exchange: Exchange, documents: readonly ScimResource[]): Promise<void> {
  refuseFilter(exchange);
  const page = { resources: documents, totalResults: documents.length, startIndex: 1 };
  await sendJson(exchange.request, exchange.reply, renderListResponse(page));
}

const isNamed = ({ id }: ScimResource, wanted: string) =>
  typeof id === 'string' && foldCase(id) === foldCase(wanted);

async function sendDocument(exchange: Exchange, documents: readonly ScimResource[]): Promise<void> {
  const { id } = exchange.request.params as { id: string };
  const found = documents.find((document) => isNamed(document, id));
  if (found === undefined) throw new LockstepError('NotFound', `There is no ${JSON.stringify(id)} here.`);
  await sendJson(exchange.request, exchange.reply, found);
}

const schemasOf = ({ push }: Exchange) => renderSchemaDocuments(push.registry, push.baseUrl);
const typesOf = ({ push }: Exchange) => renderResourceTypeDocuments(push.registry, push.baseUrl);

export const listSchemas = async (exchange: Exchange) => sendDocuments(exchange, schemasOf(exchange));
export const getSchema = async (exchange: Exchange) => sendDocument(exchange, schemasOf(exchange));
export const listResourceTypes = async (exchange: Exchange) => sendDocuments(exchange, typesOf(exchange));
export const getResourceType = async (exchange: Exchange) => sendDocument(exchange, typesOf(exchange));

async function sendSearch({ push, request, reply }: Exchange, asked: ListRequest): Promise<void> {
  await sendJson(request, reply, renderListResponse(await searchAllResources(push, asked)));
}

/** GET on the base address: resources of every type (RFC 7644 section 3.4.2.1). */
export async function listEverything(exchange: Exchange): Promise<void> {
  await sendSearch(exchange, parseListQuery(queryOf(exchange), pageLimits));
}

/** POST /.search (RFC 7644 section 3.4.3). */
export async function searchEverything(exchange: Exchange): Promise<void> {
  await sendSearch(exchange, parseSearchRequest(exchange.request.body, pageLimits));
}

/** POST /Bulk (RFC 7644 section 3.7). */
export async function answerBulk({ push, request, reply }: Exchange): Promise<void> {
  const bulk = parseBulkRequest(request.body, { maxOperations: mostBulkOperations });
  await sendJson(request, reply, renderBulkResponse(await runBulk(push, bulk)));
}
