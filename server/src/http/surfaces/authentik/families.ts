import * as f from './fields.ts';

const deleteActions = ['do_nothing', 'delete', 'suspend'] as const;
export type DeleteAction = (typeof deleteActions)[number];

/** Members that every provider has and the engine does not read as they are, with their defaults. */
const commonOptions = {
  exclude_users_service_account: [f.boolean, false],
  sync_page_size: [f.integer(1), 100],
  sync_page_timeout: [f.text(), 'minutes=30'],
  dry_run: [f.boolean, false],
  discovery_enabled: [f.boolean, true],
} as const satisfies Options;

const actionOptions = {
  user_delete_action: [f.choice(deleteActions), 'delete'],
  group_delete_action: [f.choice(deleteActions), 'delete'],
} as const satisfies Options;

/** Members that are kept beside the connection, with what they are when nobody said anything. */
type Options = Readonly<Record<string, readonly [field: f.Field, byDefault: unknown]>>;

/** How a thing is called in answers. */
export interface ModelNames {
  /** `MicrosoftEntraProvider`, as 404 texts say. */
  readonly model: string;
  readonly component: string;
  readonly verboseName: string;
  readonly verboseNamePlural: string;
  /** `authentik_providers_microsoft_entra` */
  readonly app: string;
}

/** One kind of providers: connections of a type with an egress sync. */
export interface Family extends ModelNames {
  /** In addresses and operation names. */
  readonly path: string;
  readonly connectionType: string;
  /** The member that names an object in the connected system. */
  readonly externalId: string;
  /** Names of the task of a run: of system tasks, and of the actor behind tasks. */
  readonly task: string;
  readonly actor: string;
  /** Members that are settings of the connection, by the setting's name. */
  readonly settings: Readonly<Record<string, { readonly name: string; readonly field: f.Field }>>;
  /** The same for secrets. */
  readonly secrets: Readonly<Record<string, { readonly name: string; readonly field: f.Field }>>;
  /** Whether connections of this type can do something else with users than with groups when these are deleted. */
  readonly deletesByKind?: true;
  readonly options: Options;
  /** Settings of the connection that options stand for, of those that a body has. */
  readonly settingsOf?: (body: Readonly<Record<string, unknown>>) => Record<string, unknown>;
  /** What answers show in place of a secret that all versions of the vendor's API demand. */
  readonly shownInstead: Readonly<Record<string, unknown>>;
  readonly mapping: ModelNames & { readonly path: string };
}

/** Members by which objects are shown and found in the vendor's own wording. */
const names = (app: string, model: string, component: string, verboseName: string): ModelNames => ({
  app,
  model,
  component,
  verboseName,
  verboseNamePlural: `${verboseName}s`,
});

const microsoftEntra: Family = {
  ...names(
    'authentik_providers_microsoft_entra',
    'MicrosoftEntraProvider',
    'ak-provider-microsoft-entra-form',
    'Microsoft Entra Provider',
  ),
  path: 'microsoft_entra',
  connectionType: 'entra_id',
  externalId: 'microsoft_id',
  task: 'microsoft_entra_sync',
  actor: 'authentik.enterprise.providers.microsoft_entra.tasks.microsoft_entra_sync',
  settings: {
    clientId: { name: 'client_id', field: f.required(f.text()) },
    tenantId: { name: 'tenant_id', field: f.required(f.text()) },
  },
  secrets: { clientSecret: { name: 'client_secret', field: f.required(f.text()) } },
  deletesByKind: true,
  options: { ...commonOptions, ...actionOptions, filter_group: [f.nullable(f.uuid), null] },
  shownInstead: {},
  mapping: {
    ...names(
      'authentik_providers_microsoft_entra',
      'MicrosoftEntraProviderMapping',
      'ak-property-mapping-provider-microsoft-entra-form',
      'Microsoft Entra Provider Mapping',
    ),
    path: 'provider/microsoft_entra',
  },
};

const googleWorkspace: Family = {
  ...names(
    'authentik_providers_google_workspace',
    'GoogleWorkspaceProvider',
    'ak-provider-google-workspace-form',
    'Google Workspace Provider',
  ),
  path: 'google_workspace',
  connectionType: 'google_workspace',
  externalId: 'google_id',
  task: 'google_workspace_sync',
  actor: 'authentik.enterprise.providers.google_workspace.tasks.google_workspace_sync',
  settings: { delegatedSubject: { name: 'delegated_subject', field: f.required(f.email) } },
  secrets: { credentials: { name: 'credentials', field: f.required(f.json) } },
  options: {
    ...commonOptions,
    ...actionOptions,
    filter_group: [f.nullable(f.uuid), null],
    scopes: [
      f.text(),
      'https://www.googleapis.com/auth/admin.directory.user,https://www.googleapis.com/auth/admin.directory.group,https://www.googleapis.com/auth/admin.directory.group.member,https://www.googleapis.com/auth/admin.directory.domain.readonly',
    ],
    default_group_email_domain: [f.required(f.text()), ''],
  },
  shownInstead: { credentials: {} },
  mapping: {
    ...names(
      'authentik_providers_google_workspace',
      'GoogleWorkspaceProviderMapping',
      'ak-property-mapping-provider-google-workspace-form',
      'Google Workspace Provider Mapping',
    ),
    path: 'provider/google_workspace',
  },
};

const compatibilityModes = ['default', 'aws', 'slack', 'sfdc', 'gitlab', 'webex', 'vcenter'] as const;

/** Profiles of connections by the vendor's names; modes that no profile is known for have nothing peculiar here. */
const profiles: Readonly<Record<(typeof compatibilityModes)[number], string>> = {
  default: 'auto',
  aws: 'aws',
  slack: 'slack',
  sfdc: 'salesforce',
  gitlab: 'gitlab',
  webex: 'standard',
  vcenter: 'standard',
};

const scim: Family = {
  ...names('authentik_providers_scim', 'SCIMProvider', 'ak-provider-scim-form', 'SCIM Provider'),
  path: 'scim',
  connectionType: 'scim',
  externalId: 'scim_id',
  task: 'scim_sync',
  actor: 'authentik.providers.scim.tasks.scim_sync',
  settings: { url: { name: 'url', field: f.required(f.url) } },
  secrets: { token: { name: 'token', field: f.text({ blank: true }) } },
  options: {
    ...commonOptions,
    filter_group: [f.nullable(f.uuid), null],
    group_filters: [f.list(f.uuid), []],
    verify_certificates: [f.boolean, true],
    auth_mode: [f.choice(['token', 'oauth', 'oauth_interactive']), 'token'],
    auth_oauth: [f.nullable(f.uuid), null],
    auth_oauth_params: [f.json, {}],
    compatibility_mode: [f.choice(compatibilityModes), 'default'],
    service_provider_config_cache_timeout: [f.text(), 'hours=1'],
  },
  settingsOf: ({ verify_certificates: verify, compatibility_mode: mode }) => ({
    ...(verify === undefined ? {} : { tls: { verify } }),
    ...(mode === undefined ? {} : { profile: profiles[mode as keyof typeof profiles] }),
  }),
  shownInstead: {
    auth_oauth_token_last_updated: null,
    auth_oauth_token_expires: null,
    auth_oauth_url_callback: null,
    auth_oauth_url_start: null,
  },
  mapping: {
    ...names(
      'authentik_providers_scim',
      'SCIMMapping',
      'ak-property-mapping-provider-scim-form',
      'SCIM Provider Mapping',
    ),
    path: 'provider/scim',
  },
};

export const families: readonly Family[] = [microsoftEntra, googleWorkspace, scim];
export const providerTypes: readonly string[] = families.map(({ connectionType }) => connectionType);

/** The members by which every resource says what it is. */
export function renderNames(of: ModelNames): Record<string, string> {
  return {
    component: of.component,
    verbose_name: of.verboseName,
    verbose_name_plural: of.verboseNamePlural,
    meta_model_name: `${of.app}.${of.model.toLowerCase()}`,
  };
}
