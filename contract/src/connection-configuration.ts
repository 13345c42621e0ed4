import { z } from 'zod';
import { kinds } from './vocabulary.ts';

/** `${NAME}` in a string is replaced from the environment before validation; `{file: path}` reads a secret from a file. */
export const secretSchema = z
  .union([z.string().min(1), z.strictObject({ file: z.string().min(1) })])
  .describe(
    'A secret: ${NAME} from the environment, or {file: path} for the content of a file without its last line break.',
  );

/** Timers count 24 days at most, and take what is longer for no time at all; some waits are twice this long. */
const timeout = z.number().positive().max(1_000_000);
const authoritiesFile = z
  .string()
  .optional()
  .describe("PEM file with the authorities to trust instead of the system's.");
/** What is demanded of the certificate that a server shows. */
const certificateChecks = {
  verify: z
    .boolean()
    .default(true)
    .describe('false accepts any certificate, unless fingerprints are given: for a test only.'),
  fingerprints: z
    .array(z.string().regex(/^[0-9A-Fa-f]{2}(:?[0-9A-Fa-f]{2}){31}$/, 'must be a SHA-256 in hexadecimal'))
    .min(1)
    .optional()
    .describe('SHA-256 of the certificates that the server may show, on top of what verify demands.'),
};
const ldapKindSchema = z.strictObject({
  readObjectClasses: z
    .array(z.string())
    .min(1)
    .optional()
    .describe('An entry that has any of these object classes is of this kind.'),
  writeObjectClasses: z
    .array(z.string())
    .min(1)
    .optional()
    .describe('Object classes, all of them, of an entry that is created.'),
  rdnAttribute: z.string().optional().describe('The attribute that names an entry within its parent.'),
});

export const ldapConnectionSchema = z.strictObject({
  type: z.literal('ldap').describe('An LDAP server (RFC 4511).'),
  url: z
    .string()
    .regex(/^(ldap|ldaps|ldapi):\/\//, 'must begin with ldap://, ldaps:// or ldapi://')
    .describe('Where the server is: ldap://host:port, ldaps://host:port or ldapi://%2Fpath%2Fof%2Fsocket.'),
  bindDn: z.string().optional().describe('The DN that Lockstep binds as; without it anonymously.'),
  password: secretSchema
    .optional()
    .describe('The password of bindDn: ${NAME} from the environment, or {file: path}.'),
  sasl: z
    .enum(['none', 'external'])
    .default('none')
    .describe('external: bind by the client certificate or the user of the socket (SASL EXTERNAL).'),
  startTls: z
    .boolean()
    .default(false)
    .describe('Turn an ldap:// connection into TLS before anything else is sent.'),
  tls: z
    .strictObject({
      caFile: authoritiesFile,
      certFile: z.string().optional().describe('PEM file with the client certificate.'),
      keyFile: z.string().optional().describe('PEM file with the key of the client certificate.'),
      serverName: z
        .string()
        .optional()
        .describe('The name that the certificate must carry, where it is not the host of the URL.'),
      ...certificateChecks,
    })
    .optional(),
  baseDn: z
    .string()
    .describe('The DN under which everything lies; the node that a scope means when it names none.'),
  externalIdAttribute: z
    .string()
    .default('entryUUID')
    .describe(
      'The attribute that identifies an entry for ever; nsUniqueId on 389 Directory Server; dn: there is none.',
    ),
  pageSize: z.int().min(1).max(100_000).default(1000).describe('Entries of one page of a paged search.'),
  timeoutSeconds: timeout.default(60).describe('Seconds that one operation may take.'),
  referrals: z
    .enum(['report', 'follow', 'ignore'])
    .default('report')
    .describe(
      'What a referral in a search result means: report makes the read incomplete, so that nothing is deleted.',
    ),
  maxMessageBytes: z
    .int()
    .min(65_536)
    .default(64 * 1024 * 1024)
    .describe('Largest message that is accepted from the server.'),
  maxEntries: z
    .int()
    .min(1)
    .default(10_000_000)
    .describe('Most entries of one search: a server that sends more is not believed to come to an end.'),
  user: ldapKindSchema.optional().describe('How people are read and written.'),
  organizationalUnit: ldapKindSchema.optional().describe('How organizational units are read and written.'),
  group: ldapKindSchema
    .extend({
      placeholderMember: z
        .string()
        .default('self')
        .describe(
          "The value of a group that would else be empty: 'self' (its own DN), 'empty' (zero-length DN) or a DN.",
        ),
    })
    .optional()
    .describe('How groups are read and written.'),
  disabled: z
    .strictObject({
      attribute: z.string().min(1).describe('The attribute that says so.'),
      value: z.string().min(1).describe('Its value for a disabled account.'),
      enabledValue: z
        .string()
        .min(1)
        .optional()
        .describe('What enabling writes; without it enabling removes the attribute.'),
    })
    .optional()
    .describe('How a disabled account shows; without it a disabled account stays as it is.'),
  binaryAttributes: z
    .array(z.string())
    .default([])
    .describe('Attributes whose values are bytes, on top of the built-in list.'),
});

export const fileConnectionSchema = z.strictObject({
  type: z.literal('file').describe('A file in LDIF (RFC 2849), CSV or JSON Lines.'),
  path: z.string().min(1).describe('The file; a relative path starts at the configuration file.'),
  format: z.enum(['ldif', 'csv', 'jsonl']).optional().describe('By the ending of the path when not given.'),
  baseDn: z.string().default('').describe('LDIF: the DN under which everything lies.'),
  entryUuid: z
    .boolean()
    .default(true)
    .describe(
      'LDIF: give every entry that is created an entryUUID, so that it keeps its identity when it moves.',
    ),
  disabled: z
    .strictObject({
      attribute: z.string().describe('The attribute that says so.'),
      value: z.string().describe('Its value for a disabled account.'),
    })
    .optional()
    .describe('LDIF: how a disabled account shows; without it a disabled account stays as it is.'),
  csv: z
    .strictObject({
      delimiter: z.string().length(1).default(',').describe('Stands between two cells.'),
      valueSeparator: z
        .string()
        .length(1)
        .default('|')
        .describe('Stands between the values of a cell; a backslash before it takes it literally.'),
    })
    .optional()
    .describe('How a CSV file is written.'),
  maxLineBytes: z
    .int()
    .min(1024)
    .default(16 * 1024 * 1024)
    .describe('A longer line makes the file unreadable instead of the process out of memory.'),
  maxRecordBytes: z
    .int()
    .min(1024)
    .default(64 * 1024 * 1024)
    .describe('The same for a record of many lines.'),
});

/** Services whose peculiarities are known: docs/connectors/scim.md says which. */
export const scimProfiles = [
  'auto',
  'standard',
  'aws',
  'slack',
  'okta',
  'entra',
  'github',
  'gitlab',
  'salesforce',
  'jackson',
] as const;

const notInstalled = 'Configured only so far: jobs of it end failed with ConnectorUnavailable.';
export const entraClouds = ['global', 'usGov', 'usGovDoD', 'china'] as const;
const fileReference = z.strictObject({ file: z.string().min(1) });
export const entraIdConnectionSchema = z.strictObject({
  type: z.literal('entra_id').describe('Microsoft Entra ID, by Microsoft Graph.'),
  tenantId: z.string().min(1).describe('Id or verified domain of the Entra tenant.'),
  clientId: z.string().min(1).describe('Id of the application that Lockstep signs in as.'),
  clientSecret: secretSchema.optional().describe('A client secret of that application.'),
  certificate: fileReference
    .optional()
    .describe(
      '{file: path}: PEM with a certificate of that application and its private key, instead of a secret.',
    ),
  federatedToken: fileReference
    .optional()
    .describe(
      '{file: path}: a token of another issuer that the application trusts, read anew each time, instead of a secret.',
    ),
  cloud: z.enum(entraClouds).default('global').describe('The cloud that the tenant lives in.'),
  graphUrl: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Where Microsoft Graph is, without `/v1.0`, where it is not as `cloud` says.'),
  authorityUrl: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Where tokens are given, without the tenant, where it is not as `cloud` says.'),
  caFile: authoritiesFile,
  timeoutSeconds: timeout.default(60).describe('Seconds that one request may take.'),
  includeGuests: z.boolean().default(true).describe('false: guests are neither read nor matched.'),
  excludeServiceAccounts: z
    .boolean()
    .default(false)
    .describe(
      'true: accounts of rooms and resources, and those that Microsoft makes for its own synchronization, are neither read nor matched.',
    ),
  defaultDomain: z
    .string()
    .min(1)
    .optional()
    .describe("The domain of people whose mail has no verified one; without it the tenant's default."),
  deletion: z
    .strictObject({
      user: z
        .enum(['delete', 'suspend', 'do_nothing'])
        .default('delete')
        .describe('For people: suspend disables the account and keeps it.'),
      group: z.enum(['delete', 'do_nothing']).default('delete').describe('For groups.'),
    })
    .optional()
    .describe('What a deletion by a sync becomes in Entra ID; without it a deletion.'),
});
export const scimOauthSchema = z.strictObject({
  tokenUrl: z.url().describe('Where the authorization server gives out tokens.'),
  clientId: z.string().min(1).describe('Id of the client that Lockstep is to that server.'),
  clientSecret: secretSchema.optional().describe("The client's secret."),
  scope: z.string().min(1).optional().describe('What access is asked for.'),
  method: z
    .enum(['post', 'basic'])
    .default('post')
    .describe('How the secret is sent: in the body of the request, or as HTTP Basic.'),
});
export const scimConnectionSchema = z.strictObject({
  type: z.literal('scim').describe('A SCIM 2.0 service (RFC 7644).'),
  url: z
    .url({ protocol: /^https?$/ })
    .describe('The base address of the service, below which are /Users and /Groups.'),
  token: secretSchema.optional().describe('The bearer token.'),
  oauth: scimOauthSchema
    .optional()
    .describe('Tokens are asked of an authorization server (RFC 6749, client credentials) instead.'),
  profile: z
    .enum(scimProfiles)
    .default('auto')
    .describe(
      'What is peculiar about the service, on top of what it tells of itself; auto: nothing, or what its address tells.',
    ),
  caFile: authoritiesFile,
  tls: z.strictObject(certificateChecks).optional(),
  timeoutSeconds: timeout.default(60).describe('Seconds that one request may take.'),
  groups: z.boolean().default(true).describe('false: the service has users only.'),
  pageSize: z
    .int()
    .min(1)
    .max(10_000)
    .default(100)
    .describe('Resources of one page of a list; a service may give fewer.'),
  concurrency: z
    .int()
    .min(1)
    .max(64)
    .default(8)
    .describe('Most requests under way at a time; fewer when the service asks for rest.'),
});
export const scimServerConnectionSchema = z.strictObject({
  type: z
    .literal('scim_server')
    .describe(
      'Others push into it by SCIM 2.0 (RFC 7644), at /scim/v2/ and the name of the connection, with a token of `connections token`.',
    ),
  profile: z
    .enum(['auto', 'strict', 'entra', 'okta', 'jumpcloud', 'onelogin'])
    .default('auto')
    .describe(
      'Who pushes: entra, okta, jumpcloud and onelogin forgive what these are known to send, strict nothing that the standard does not allow; auto whatever has one meaning only.',
    ),
  requestsPerSecond: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(500)
    .describe(
      'Requests that are answered in a second, on average over a few; those beyond are told to come again.',
    ),
});
export const googleWorkspaceConnectionSchema = z.strictObject({
  type: z.literal('google_workspace').describe(`Google Workspace, by its Directory API. ${notInstalled}`),
  delegatedSubject: z.string().min(1).describe('The administrator that the service account acts for.'),
  credentials: secretSchema.optional().describe('The JSON key of the service account.'),
});
export const eventCallbackConnectionSchema = z.strictObject({
  type: z
    .literal('event_callback')
    .describe('An application that is told of changes by signed events (HTTP POST).'),
  url: z.url({ protocol: /^https?$/ }).describe('Where events are posted.'),
  encryptKey: secretSchema
    .optional()
    .describe('64 hexadecimal digits: events are encrypted with it (AES-256), not only signed.'),
  encrypt: z
    .boolean()
    .optional()
    .describe(
      'true: no event goes out unless there is a key to encrypt it; false: not even where there is one.',
    ),
  kinds: z
    .array(z.enum(kinds))
    .min(1)
    .default([...kinds])
    .describe('What the application is told of. Without organizational units everybody is in one place.'),
  caFile: authoritiesFile,
  tls: z.strictObject(certificateChecks).optional(),
  timeoutSeconds: timeout.default(10).describe('Seconds within which an event must be answered.'),
  retries: z
    .int()
    .min(0)
    .max(10)
    .default(5)
    .describe('Further tries of an event that was not taken, with growing pauses.'),
  concurrency: z
    .int()
    .min(1)
    .max(64)
    .default(8)
    .describe('Most events under way at a time; those of one object follow each other.'),
});

export const connectionSchema = z.discriminatedUnion('type', [
  ldapConnectionSchema,
  fileConnectionSchema,
  entraIdConnectionSchema,
  scimConnectionSchema,
  scimServerConnectionSchema,
  googleWorkspaceConnectionSchema,
  eventCallbackConnectionSchema,
]);
/** Fields of each type that hold a secret, as paths: they are kept sealed and apart from the settings. */
export const secretFields: Readonly<Record<ConnectionConfiguration['type'], readonly string[]>> = {
  ldap: ['password'],
  file: [],
  entra_id: ['clientSecret'],
  scim: ['token', 'oauth.clientSecret'],
  scim_server: [],
  google_workspace: ['credentials'],
  event_callback: ['encryptKey'],
};
export type LdapConnection = z.infer<typeof ldapConnectionSchema>;
export type FileConnection = z.infer<typeof fileConnectionSchema>;
export type EntraConnection = z.infer<typeof entraIdConnectionSchema>;
export type ScimConnection = z.infer<typeof scimConnectionSchema>;
export type EventCallbackConnection = z.infer<typeof eventCallbackConnectionSchema>;
export type ScimServerConnection = z.infer<typeof scimServerConnectionSchema>;
export type ConnectionConfiguration = z.infer<typeof connectionSchema>;
