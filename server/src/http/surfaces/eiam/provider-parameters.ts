import type { ParametersOf } from './parameter-schema.ts';

/** Shapes of identity providers and of what they synchronize, as parameters. */
const status = { type: 'string', values: ['enabled', 'disabled'] } as const;
const classes = {
  type: 'string',
  maxLength: 512,
  pattern: /^[A-Za-z0-9.;-]+( *, *[A-Za-z0-9.;-]+)*$/,
} as const;
const attribute = { type: 'string', maxLength: 128, pattern: /^[A-Za-z][A-Za-z0-9-]*$/ } as const;
/** Members are read from all three of them, whichever is named. */
const memberAttribute = { type: 'string', pattern: /^(member|uniqueMember|memberUid)$/i } as const;
const filter = { type: 'string', maxLength: 2048 } as const;
const node = { type: 'string', minLength: 1, maxLength: 1024 } as const;
const threshold = { type: 'integer', minimum: 0 } as const;

export const connectionFields = {
  AdministratorUsername: { type: 'string', maxLength: 1024 },
  AdministratorPassword: { type: 'string', maxLength: 1024 },
  CertificateFingerprintStatus: status,
  CertificateFingerprints: { type: 'array', items: { type: 'string', maxLength: 128 }, maxItems: 20 },
  LdapProtocol: { type: 'string', values: ['ldap', 'ldaps'] },
  LdapServerHost: { type: 'string', maxLength: 253, pattern: /^[A-Za-z0-9._:-]+$/ },
  LdapServerPort: { type: 'integer', minimum: 1, maximum: 65_535 },
  StartTlsStatus: status,
} as const;

const readingFields = {
  UserObjectClass: classes,
  UserObjectClassCustomFilter: filter,
  OrganizationUnitObjectClass: classes,
  GroupObjectClass: classes,
  GroupObjectClassCustomFilter: filter,
  GroupMemberAttributeName: memberAttribute,
} as const;

const writingFields = {
  UserObjectClass: classes,
  OrganizationUnitObjectClass: classes,
  UserRdn: attribute,
  OrganizationalUnitRdn: attribute,
  PasswordSyncStatus: status,
} as const;

export const ldapConfig = {
  type: 'object',
  fields: {
    ...connectionFields,
    ...readingFields,
    ...writingFields,
    UserLoginIdentifier: { type: 'string' },
  },
} as const;

const periodicSyncConfig = {
  type: 'object',
  fields: {
    PeriodicSyncType: { type: 'string', values: ['cron', 'time'] },
    PeriodicSyncCron: { type: 'string', maxLength: 200 },
    PeriodicSyncTimes: { type: 'array', items: { type: 'integer', minimum: 0, maximum: 23 }, maxItems: 24 },
  },
} as const;

const scopeFields = {
  SourceScopes: { type: 'array', items: node, required: true, maxItems: 100 },
  TargetScope: { ...node, required: true },
} as const;

export const pullFields = {
  GroupSyncStatus: status,
  IncrementalCallbackStatus: status,
  PeriodicSyncConfig: periodicSyncConfig,
  PeriodicSyncStatus: status,
  UdSyncScopeConfig: { type: 'object', fields: scopeFields },
  LdapUdPullConfig: { type: 'object', fields: readingFields },
  PullProtectedRule: {
    type: 'object',
    fields: {
      UserDeletedThreshold: threshold,
      OrganizationalUnitDeletedThreshold: threshold,
      GroupDeletedThreshold: threshold,
    },
  },
} as const;

export const pushFields = {
  IncrementalCallbackStatus: status,
  PeriodicSyncConfig: periodicSyncConfig,
  PeriodicSyncStatus: status,
  UdSyncScopeConfigs: { type: 'array', items: { type: 'object', fields: scopeFields }, maxItems: 100 },
  LdapUdPushConfig: { type: 'object', fields: writingFields },
} as const;

const text = { type: 'string', maxLength: 1024 } as const;
/** What is kept and shown, and has no effect here: nobody logs in through Lockstep. */
export const loginFields = {
  AuthnConfig: { type: 'object', fields: { AuthnStatus: status, AutoUpdatePasswordStatus: status } },
  AutoCreateUserConfig: {
    type: 'object',
    fields: { AutoCreateUserStatus: status, TargetOrganizationalUnitIds: { type: 'array', items: text } },
  },
  AutoUpdateUserConfig: { type: 'object', fields: { AutoUpdateUserStatus: status } },
  BindingConfig: {
    type: 'object',
    fields: {
      AutoMatchUserProfileExpressions: {
        type: 'array',
        items: {
          type: 'object',
          fields: {
            ExpressionMappingType: { type: 'string', values: ['field', 'expression'] },
            SourceValueExpression: text,
            TargetField: text,
            TargetFieldDescription: text,
          },
        },
      },
      AutoMatchUserStatus: status,
      MappingBindingStatus: status,
    },
  },
} as const;

export type LdapConfig = ParametersOf<typeof ldapConfig.fields>;
export type PullConfiguration = ParametersOf<typeof pullFields>;
export type PushConfiguration = ParametersOf<typeof pushFields>;
export type PeriodicSync = ParametersOf<typeof periodicSyncConfig.fields>;
