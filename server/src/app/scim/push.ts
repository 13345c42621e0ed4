import type { ResourceModel } from '../../scim/schema/model.ts';
import { getResourceModel, type SchemaRegistry } from '../../scim/schema/registry.ts';
import type { ScimKind } from '../../store/queries/scim-record.ts';
import type { Application } from '../application.ts';
import type { PushedConnection } from './authenticate.ts';
import { getTenantRegistry } from './custom-schema.ts';

/** Resource types (RFC 7643 section 4) and the kinds that they are kept as. */
export const kindOfType = { User: 'user', Group: 'group' } as const satisfies Record<string, ScimKind>;
export type ScimTypeName = keyof typeof kindOfType;

/** A request of somebody who pushes: whom it is for, what its resources look like, and where they lie for the client. */
export interface Push {
  readonly app: Application;
  readonly connection: PushedConnection;
  readonly registry: SchemaRegistry;
  /** `https://host/scim/v2/name`. */
  readonly baseUrl: string;
}

/** Where resources lie, relative to the base. */
export const endpointOfKind = { user: '/Users', group: '/Groups' } as const;

export async function openPush(
  app: Application,
  connection: PushedConnection,
  baseUrl: string,
): Promise<Push> {
  return { app, connection, registry: await getTenantRegistry(app, connection.tenantId), baseUrl };
}

export function modelOf({ registry }: Push, type: ScimTypeName): ResourceModel {
  return getResourceModel(registry, type);
}

export function locationOf({ baseUrl }: Push, type: ScimTypeName, id: string): string {
  return `${baseUrl}${endpointOfKind[kindOfType[type]]}/${id}`;
}
