/** What holds for the whole API: where the vendor says nothing, or Lockstep does otherwise. */
export const generalDeviations: readonly string[] = [
  'Ids are the serial numbers of connections, syncs, users, groups and zones, as decimal strings.',
  'An identity provider is a connection with an ingress sync. Its `type` is `Azure AD` for Entra ID; connections of other types show as `LDAP`, `File`, `SCIM` and `Google Workspace`, and are made by the native API or a configuration file.',
  'The vendor names no statuses of a sync. There are `Queued`, `In Progress`, `Held`, `Completed`, `Completed with errors`, `Failed` and `Cancelled`.',
  '`perPage` outside its bounds is moved to the nearer one. Tokens of pages are opaque. Of a parameter that is given twice the first counts, and parameters that are not known are ignored.',
  '`remaining` counts what lies beyond the page in the direction of paging.',
  'Statuses are those that the vendor lists: a conflict, a body that is too large or of another media type is 400.',
  'The limit of 10 requests a second and organization, with 10 more at once, is kept by each process for itself.',
  'Scopes: `dashboard:iam:config:read` to read, `dashboard:iam:config:write` to write, `dashboard:iam:telemetry:read` for syncs and counts; none includes another one. API keys may do what their account may.',
  'Deleting a sync, a connection or a user follows the rules of the native API: jobs stay, and so does what they brought.',
];
