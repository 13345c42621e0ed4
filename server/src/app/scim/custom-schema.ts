import { attribute, type AttributeType, type ScimSchema } from '../../scim/schema/attribute.ts';
import { createSchemaRegistry, extendRegistry, type SchemaRegistry } from '../../scim/schema/registry.ts';
import { selectCustomFields, type CustomFieldRow } from '../../store/queries/custom-fields.ts';
import type { Application } from '../application.ts';

/** The extension of users that holds the custom fields of the tenant. */
export const customFieldsUrn = 'urn:lockstep:params:scim:schemas:extension:custom:2.0:User';

/** What RFC 7643 section 2.1 allows; a field with another name cannot be pushed. */
const attributeName = /^[A-Za-z][A-Za-z0-9_-]*$/;
const types: Readonly<Record<CustomFieldRow['dataType'], AttributeType>> = {
  string: 'string',
  number: 'decimal',
  boolean: 'boolean',
};

function customSchema(fields: readonly CustomFieldRow[]): ScimSchema {
  return {
    id: customFieldsUrn,
    name: 'CustomFields',
    description: 'Attributes that this organization has declared itself',
    attributes: fields.map(({ name, displayName, description, dataType, items }) => {
      const values = items.filter(({ status }) => status === 'enabled').map(({ value }) => value);
      return attribute(name, types[dataType], description === '' ? displayName : description, {
        ...(values.length > 0 && { canonicalValues: values }),
      });
    }),
  };
}

const standard = createSchemaRegistry();

/** Kept so long, in milliseconds: declarations change rarely, and every request needs them. */
const keptFor = 2000;
interface Kept {
  readonly registry: SchemaRegistry;
  readonly until: number;
}
const kept = new WeakMap<Application, Map<string, Kept>>();

async function loadRegistry(app: Application, tenantId: string): Promise<SchemaRegistry> {
  const fields = (await selectCustomFields(app.store.db, tenantId)).filter(
    ({ enabled, name }) => enabled && attributeName.test(name),
  );
  return fields.length === 0 ? standard : extendRegistry(standard, 'User', customSchema(fields));
}

/** The schemas of a tenant: users with the enterprise extension and the tenant's custom fields, and groups. */
export async function getTenantRegistry(app: Application, tenantId: string): Promise<SchemaRegistry> {
  const now = app.clock.now().getTime();
  const tenants = kept.get(app) ?? new Map<string, Kept>();
  kept.set(app, tenants);
  const found = tenants.get(tenantId);
  if (found !== undefined && found.until > now) return found.registry;
  const registry = await loadRegistry(app, tenantId);
  tenants.set(tenantId, { registry, until: now + keptFor });
  return registry;
}
