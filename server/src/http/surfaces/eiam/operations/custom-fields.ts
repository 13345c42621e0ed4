import {
  createCustomField,
  deleteCustomField,
  getCustomField,
  setCustomFieldState,
} from '../../../../app/custom-fields.ts';
import { statusOf } from '../directory-views.ts';
import { invalidParameter, missingParameter } from '../errors.ts';
import { instanceId, operation, resourceId, type Operation } from '../operation.ts';

const states = ['enabled', 'disabled'] as const;
const oneField = { InstanceId: instanceId, FieldId: resourceId } as const;
const about = {
  subject: 'CustomField',
  resource: ({ InstanceId, FieldId }: { InstanceId: string; FieldId: string }): string =>
    `instance/${InstanceId}/customfield/${FieldId}`,
} as const;

/** Attributes that this API has parameters of its own for. */
const reserved = new Set(['username', 'mail', 'description']);

/** Data types that a display type can show. */
const displayable: Readonly<Record<string, readonly string[]>> = {
  input: ['string', 'number'],
  select: ['string', 'boolean'],
  checkbox: ['string'],
};

const create = operation({
  name: 'CreateCustomField',
  level: 'create',
  subject: 'CustomField',
  resource: ({ InstanceId }) => `instance/${InstanceId}/customfield/*`,
  parameters: {
    InstanceId: instanceId,
    FieldName: { type: 'string', required: true, maxLength: 40, pattern: /^[a-z][a-z_]*$/ },
    FieldDisplayName: { type: 'string', required: true, maxLength: 64 },
    FieldDataType: { type: 'string', required: true, values: ['string', 'number', 'boolean'] },
    FieldDisplayType: { type: 'string', required: true, values: ['input', 'select', 'checkbox'] },
    EntityType: { type: 'string', required: true, values: ['user'] },
    FieldDataConfig: {
      type: 'object',
      fields: {
        Items: {
          type: 'array',
          maxItems: 100,
          items: {
            type: 'object',
            fields: {
              Value: { type: 'string', maxLength: 64 },
              DisplayName: { type: 'string', maxLength: 128 },
              Status: { type: 'string', values: states },
            },
          },
        },
      },
    },
    DefaultValue: { type: 'string', maxLength: 1024 },
    Description: { type: 'string', maxLength: 512 },
    Encrypted: { type: 'boolean' },
    Required: { type: 'boolean' },
    Unique: { type: 'boolean' },
    UserPermission: { type: 'string', values: ['hide', 'read_only', 'read_write'] },
  },
  deviations: [
    'a custom field is the attribute of this name of users, and takes part in synchronization like any other',
    'refuses Encrypted=true, and the names username, mail and description, which have parameters of their own',
    'Unique compares without letter case',
  ],
  handler: async ({ app, actor, parameters }) => {
    if (parameters.Encrypted === true)
      throw invalidParameter('Encrypted', 'Values are not encrypted one by one.');
    if (reserved.has(parameters.FieldName))
      throw invalidParameter('FieldName', 'It has a parameter of its own.');
    const { FieldDataType: dataType, FieldDisplayType: displayType } = parameters;
    if (displayable[displayType]?.includes(dataType) !== true) throw invalidParameter('FieldDisplayType');
    const items = (parameters.FieldDataConfig?.Items ?? []).map(({ Value, DisplayName, Status }, index) => {
      if (!Value) throw missingParameter(`FieldDataConfig.Items.${index + 1}.Value`);
      return { value: Value, displayName: DisplayName ?? Value, status: Status ?? states[0] };
    });
    if (displayType === 'input' && items.length > 0) throw invalidParameter('FieldDataConfig');
    const defaultValue = parameters.DefaultValue || null;
    const allowed = items.filter(({ status }) => status === 'enabled').map(({ value }) => value);
    if (defaultValue !== null && items.length > 0 && !allowed.includes(defaultValue))
      throw invalidParameter('DefaultValue', 'It must be one of the items in use.');
    const FieldId = await createCustomField(app, actor, {
      name: parameters.FieldName,
      displayName: parameters.FieldDisplayName,
      description: parameters.Description ?? '',
      dataType,
      displayType,
      items,
      defaultValue,
      required: parameters.Required ?? false,
      unique: parameters.Unique ?? false,
      userPermission: parameters.UserPermission ?? 'hide',
    });
    return { FieldId };
  },
});

const get = operation({
  ...about,
  name: 'GetCustomField',
  level: 'get',
  parameters: oneField,
  handler: async ({ app, actor, parameters }) => {
    const field = await getCustomField(app, actor, parameters.FieldId);
    return {
      CustomField: {
        InstanceId: actor.tenantId,
        FieldId: field.id,
        FieldName: field.name,
        FieldDisplayName: field.displayName,
        FieldDataType: field.dataType,
        FieldDisplayType: field.displayType,
        EntityType: 'user',
        FieldDataConfig: {
          Items: field.items.map(({ value, displayName, status }) => ({
            Value: value,
            DisplayName: displayName,
            Status: status,
          })),
        },
        DefaultValue: field.defaultValue ?? undefined,
        Description: field.description,
        Encrypted: false,
        Required: field.required,
        Unique: field.unique,
        UserPermission: field.userPermission,
        Status: statusOf(field.enabled),
        CreateTime: field.createdAt.getTime(),
        UpdateTime: field.updatedAt.getTime(),
      },
    };
  },
});

function fieldState(name: 'EnableCustomField' | 'DisableCustomField', enabled: boolean): Operation {
  return operation({
    ...about,
    name,
    level: 'update',
    parameters: oneField,
    handler: async ({ app, actor, parameters }) => {
      await setCustomFieldState(app, actor, parameters.FieldId, enabled);
      return {};
    },
  });
}

const remove = operation({
  ...about,
  name: 'DeleteCustomField',
  level: 'delete',
  parameters: oneField,
  deviations: ['values that users have of it stay in the directory'],
  handler: async ({ app, actor, parameters }) => {
    await deleteCustomField(app, actor, parameters.FieldId);
    return {};
  },
});

export const customFieldOperations: readonly Operation[] = [
  create,
  get,
  fieldState('EnableCustomField', true),
  fieldState('DisableCustomField', false),
  remove,
];
