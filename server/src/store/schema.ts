import type { ColumnType, Generated } from 'kysely';

/**
 * The tables as SQL names them. Both engines give the same JavaScript types: bigint is a number, bytea a Buffer,
 * timestamptz a Date, jsonb a parsed value. A jsonb column is written as JSON text (`JSON.stringify`), because the
 * driver takes an array for an SQL array.
 */
export interface Database {
  installation: InstallationTable;
  tenant: TenantTable;
  account: AccountTable;
  api_token: ApiTokenTable;
  access_key: AccessKeyTable;
  connection: ConnectionTable;
  sync: SyncTable;
  organizational_unit: OrganizationalUnitTable;
  directory_user: DirectoryUserTable;
  user_organizational_unit: UserOrganizationalUnitTable;
  directory_group: DirectoryGroupTable;
  membership: MembershipTable;
  match_key: MatchKeyTable;
  match_attribute: MatchAttributeTable;
  link: LinkTable;
  membership_link: MembershipLinkTable;
  reference_link: ReferenceLinkTable;
  job: JobTable;
  change: ChangeTable;
  job_message: JobMessageTable;
  directory_log: DirectoryLogTable;
  job_count: JobCountTable;
  job_span: JobSpanTable;
  access_policy: AccessPolicyTable;
  access_key_policy: AccessKeyPolicyTable;
  security_token: SecurityTokenTable;
  request_nonce: RequestNonceTable;
  idempotent_request: IdempotentRequestTable;
  oauth_client: OauthClientTable;
  oauth_grant: OauthGrantTable;
  oauth_code: OauthCodeTable;
  oauth_refresh_token: OauthRefreshTokenTable;
  oauth_access_token: OauthAccessTokenTable;
  authorization_zone: AuthorizationZoneTable;
  authorization_zone_connection: AuthorizationZoneConnectionTable;
  zone_authorization: ZoneAuthorizationTable;
  action_batch: ActionBatchTable;
  former_connection: FormerConnectionTable;
  custom_field: CustomFieldTable;
  connection_check: ConnectionCheckTable;
  application: ApplicationTable;
  property_mapping: PropertyMappingTable;
  sync_property_mapping: SyncPropertyMappingTable;
  replica: ReplicaTable;
  replica_record: ReplicaRecordTable;
  replica_member: ReplicaMemberTable;
  pace_bucket: PaceBucketTable;
  pace_quiet: PaceQuietTable;
  scim_token: ScimTokenTable;
  signing_key: SigningKeyTable;
  pending_password: PendingPasswordTable;
}

/** Made by the database and never written. */
type Serial = ColumnType<number, never, never>;
type MomentOrNull = ColumnType<Date | null, Date | string | null | undefined, Date | string | null>;
/** Computed by the database from other columns. */
type Computed<T> = ColumnType<T, never, never>;
/** Set when the row is made, to now() unless given. */
type CreatedAt = ColumnType<Date, Date | string | undefined, Date | string>;
type Json<T> = ColumnType<T, string, string>;
type JsonOrNull<T> = ColumnType<T | null, string | null | undefined, string | null>;
type Optional<T> = ColumnType<T | null, T | null | undefined, T | null>;
type JsonObject = Readonly<Record<string, unknown>>;
type Counts = Readonly<Record<string, number>>;

interface InstallationTable {
  only_row: Generated<boolean>;
  created_at: CreatedAt;
}

interface TenantTable {
  id: string;
  serial: Serial;
  name: string;
  precedence: ColumnType<Readonly<Record<string, readonly string[]>>, string | undefined, string>;
  created_at: CreatedAt;
  root_id: Generated<string>;
  description: Generated<string>;
}

interface AccountTable {
  id: string;
  serial: Serial;
  tenant_id: string;
  name: string;
  role: 'administrator' | 'operator' | 'reader';
  created_at: CreatedAt;
}

interface ApiTokenTable {
  id: string;
  account_id: string;
  token_hash: Uint8Array;
  created_at: CreatedAt;
  expires_at: MomentOrNull;
  revoked_at: MomentOrNull;
  label: Generated<string>;
  last_used_at: MomentOrNull;
}

interface AccessKeyTable {
  id: string;
  tenant_id: string;
  account_id: string;
  sealed_secret: Uint8Array;
  created_at: CreatedAt;
  revoked_at: MomentOrNull;
  name: Generated<string>;
  expires_at: MomentOrNull;
  last_used_at: MomentOrNull;
}

interface ConnectionTable {
  id: string;
  serial: Serial;
  tenant_id: string;
  name: string;
  type: string;
  settings: Json<JsonObject>;
  sealed_secrets: Optional<Uint8Array>;
  revision: Generated<number>;
  created_at: CreatedAt;
  updated_at: CreatedAt;
  display_name: Optional<string>;
  description: Generated<string>;
  annotations: ColumnType<JsonObject, string | undefined, string>;
}

interface SyncTable {
  id: string;
  serial: Serial;
  tenant_id: string;
  connection_id: string;
  name: string;
  direction: 'ingress' | 'egress';
  position: number;
  settings: Json<JsonObject>;
  revision: Generated<number>;
  enabled: Generated<boolean>;
  log_position: Generated<number>;
  next_run_at: MomentOrNull;
  created_at: CreatedAt;
  updated_at: CreatedAt;
  annotations: ColumnType<JsonObject, string | undefined, string>;
  read_position: JsonOrNull<unknown>;
}

interface OrganizationalUnitTable {
  id: string;
  serial: Serial;
  tenant_id: string;
  parent_id: Optional<string>;
  parent_key: Computed<string>;
  name: string;
  name_key: string;
  attributes: Json<JsonObject>;
  revision: number;
  created_at: CreatedAt;
  updated_at: CreatedAt;
}

interface DirectoryUserTable {
  id: string;
  serial: Serial;
  tenant_id: string;
  parent_id: Optional<string>;
  username: string;
  username_key: string;
  enabled: Generated<boolean>;
  attributes: Json<JsonObject>;
  revision: number;
  created_at: CreatedAt;
  updated_at: CreatedAt;
}

interface UserOrganizationalUnitTable {
  user_id: string;
  organizational_unit_id: string;
}

interface DirectoryGroupTable {
  id: string;
  serial: Serial;
  tenant_id: string;
  parent_id: Optional<string>;
  parent_key: Computed<string>;
  name: string;
  name_key: string;
  attributes: Json<JsonObject>;
  revision: number;
  created_at: CreatedAt;
  updated_at: CreatedAt;
}

interface MembershipTable {
  group_id: string;
  member_id: string;
  tenant_id: string;
  member_kind: 'user' | 'group';
  revision: number;
  created_at: CreatedAt;
}

interface MatchKeyTable {
  tenant_id: string;
  kind: string;
  attribute: string;
  value: string;
  object_id: string;
}

interface MatchAttributeTable {
  tenant_id: string;
  kind: string;
  attribute: string;
}

interface LinkTable {
  sync_serial: number;
  kind: string;
  external_id: string;
  object_id: string;
  reference: Optional<string>;
  alias: Optional<string>;
  location: Optional<string>;
  scope: Generated<number>;
  fingerprint: Optional<string>;
  object_revision: Generated<number>;
  state: Generated<'live' | 'missing'>;
  contribution: JsonOrNull<JsonObject>;
  linked_at: CreatedAt;
}

interface MembershipLinkTable {
  sync_serial: number;
  group_id: string;
  reference: string;
  member_id: Optional<string>;
}

interface ReferenceLinkTable {
  sync_serial: number;
  kind: string;
  external_id: string;
  attribute: string;
  position: number;
  reference: string;
  object_id: Optional<string>;
}

interface JobTable {
  id: string;
  serial: Serial;
  tenant_id: string;
  sync_id: string;
  connection_id: string;
  sync_name: string;
  direction: 'ingress' | 'egress';
  mode: 'apply' | 'dryRun' | 'approve';
  approves_job_id: Optional<string>;
  undoes_job_id: Optional<string>;
  attempt: Generated<number>;
  status: 'pending' | 'running' | 'held' | 'success' | 'partial_success' | 'failed' | 'cancelled';
  phase: Generated<'read' | 'plan' | 'apply' | 'record' | 'over'>;
  started_through: string;
  started_by: Optional<string>;
  created_at: CreatedAt;
  started_at: MomentOrNull;
  ended_at: MomentOrNull;
  applied_ordinal: Generated<number>;
  intended_ordinal: Generated<number>;
  last_ordinal: Generated<number>;
  read_count: Generated<number>;
  same_counts: ColumnType<Counts, string | undefined, string>;
  unmanaged_counts: ColumnType<Counts, string | undefined, string>;
  guard_verdict: JsonOrNull<unknown>;
  plan_hash: Optional<string>;
  complete: Optional<boolean>;
  incomplete_reason: Optional<string>;
  statistics: JsonOrNull<unknown>;
  error_code: Optional<string>;
  error_message: Optional<string>;
  note: Optional<string>;
  cancel_requested: Generated<boolean>;
  description: Optional<string>;
  selection: JsonOrNull<JsonObject>;
  log_position: Optional<number>;
  read_position: JsonOrNull<unknown>;
  full_read: Generated<boolean>;
  ends_not_before: MomentOrNull;
  images: Generated<'kept' | 'going' | 'gone'>;
}

interface JobCountTable {
  tenant_id: string;
  connection_id: string;
  direction: string;
  mode: string;
  status: string;
  count: number;
}

interface JobSpanTable {
  tenant_id: string;
  width: number;
  span: string;
  connection_id: string;
  direction: string;
  mode: string;
  count: number;
}

interface ChangeTable {
  job_serial: number;
  ordinal: number;
  kind: string;
  verb: string;
  object_id: Optional<string>;
  external_id: Optional<string>;
  label: string;
  parent_id: Optional<string>;
  member_id: Optional<string>;
  member_kind: Optional<string>;
  before: JsonOrNull<JsonObject>;
  after: JsonOrNull<JsonObject>;
  keys: JsonOrNull<JsonObject>;
  expected_revision: Optional<number>;
  reference: Optional<string>;
  alias: Optional<string>;
  location: Optional<string>;
  scope: Optional<number>;
  fingerprint: Optional<string>;
  releases_link: Generated<boolean>;
  contribution: JsonOrNull<JsonObject>;
  named: JsonOrNull<JsonObject>;
  former_link: JsonOrNull<JsonObject>;
  result: Optional<'failed' | 'skipped'>;
  error_code: Optional<string>;
  error_message: Optional<string>;
  follows: Generated<boolean>;
}

interface JobMessageTable {
  job_serial: number;
  ordinal: Serial;
  at: CreatedAt;
  level: 'info' | 'warning' | 'error';
  text: string;
}

interface DirectoryLogTable {
  seq: Serial;
  tenant_id: string;
  kind: Optional<string>;
  verb: Optional<string>;
  object_id: Optional<string>;
  member_id: Optional<string>;
  job_serial: Optional<number>;
  from_ordinal: Optional<number>;
  through_ordinal: Optional<number>;
  at: CreatedAt;
}

interface AccessPolicyTable {
  tenant_id: string;
  name: string;
  description: Generated<string>;
  document: Json<JsonObject>;
  created_at: CreatedAt;
  updated_at: CreatedAt;
}

interface AccessKeyPolicyTable {
  access_key_id: string;
  tenant_id: string;
  policy_name: string;
  attached_at: CreatedAt;
}

interface SecurityTokenTable {
  id: string;
  tenant_id: string;
  access_key_id: string;
  sealed_secret: Uint8Array;
  token_hash: Uint8Array;
  session_policy: JsonOrNull<JsonObject>;
  created_at: CreatedAt;
  expires_at: CreatedAt;
}

interface RequestNonceTable {
  access_key_id: string;
  nonce: string;
  expires_at: CreatedAt;
}

interface IdempotentRequestTable {
  tenant_id: string;
  operation: string;
  token: string;
  parameters_hash: Uint8Array;
  answer: JsonOrNull<JsonObject>;
  created_at: CreatedAt;
}

interface OauthClientTable {
  id: string;
  tenant_id: string;
  account_id: string;
  name: string;
  secret_hash: Optional<Uint8Array>;
  redirect_uris: Json<readonly string[]>;
  scopes: Json<readonly string[]>;
  created_at: CreatedAt;
}

interface OauthGrantTable {
  id: string;
  client_id: string;
  account_id: string;
  scopes: Json<readonly string[]>;
  created_at: CreatedAt;
  last_used_at: CreatedAt;
  revoked_at: MomentOrNull;
}

interface OauthCodeTable {
  code_hash: Uint8Array;
  grant_id: string;
  redirect_uri: string;
  code_challenge: string;
  expires_at: CreatedAt;
  used_at: MomentOrNull;
}

interface OauthRefreshTokenTable {
  token_hash: Uint8Array;
  grant_id: string;
  created_at: CreatedAt;
  used_at: MomentOrNull;
}

interface OauthAccessTokenTable {
  token_hash: Uint8Array;
  grant_id: string;
  scopes: Json<readonly string[]>;
  expires_at: CreatedAt;
}

interface AuthorizationZoneTable {
  id: string;
  serial: Serial;
  tenant_id: string;
  name: string;
  type: string;
  network: JsonOrNull<JsonObject>;
  created_at: CreatedAt;
  updated_at: CreatedAt;
}

interface AuthorizationZoneConnectionTable {
  zone_id: string;
  connection_id: string;
}

interface ZoneAuthorizationTable {
  id: string;
  serial: Serial;
  tenant_id: string;
  zone_id: string;
  user_id: string;
  starts_at: CreatedAt;
  expires_at: MomentOrNull;
  revoked_at: MomentOrNull;
  authorizer: string;
  created_at: CreatedAt;
  updated_at: CreatedAt;
}

interface ActionBatchTable {
  id: string;
  serial: Serial;
  tenant_id: string;
  account_id: string;
  status: 'unconfirmed' | 'pending' | 'completed' | 'failed';
  synchronous: boolean;
  sealed_actions: Uint8Array;
  errors: ColumnType<readonly string[], string | undefined, string>;
  created_resources: ColumnType<readonly JsonObject[], string | undefined, string>;
  created_at: CreatedAt;
  updated_at: CreatedAt;
}

interface FormerConnectionTable {
  id: string;
  serial: number;
  tenant_id: string;
  name: string;
  deleted_at: CreatedAt;
  type: Optional<string>;
}

interface CustomFieldTable {
  id: string;
  serial: Serial;
  tenant_id: string;
  name: string;
  display_name: string;
  description: Generated<string>;
  data_type: 'string' | 'number' | 'boolean';
  display_type: 'input' | 'select' | 'checkbox';
  items: ColumnType<readonly JsonObject[], string | undefined, string>;
  default_value: Optional<string>;
  required: Generated<boolean>;
  is_unique: Generated<boolean>;
  user_permission: Generated<'hide' | 'read_only' | 'read_write'>;
  enabled: Generated<boolean>;
  created_at: CreatedAt;
  updated_at: CreatedAt;
}

interface ConnectionCheckTable {
  id: string;
  tenant_id: string;
  connection_id: string;
  status: 'running' | 'success' | 'failed';
  steps: ColumnType<readonly JsonObject[], string | undefined, string>;
  started_at: CreatedAt;
  ended_at: MomentOrNull;
}

interface ApplicationTable {
  id: string;
  serial: Serial;
  tenant_id: string;
  name: string;
  description: Generated<string>;
  enabled: Generated<boolean>;
  profile: ColumnType<JsonObject, string | undefined, string>;
  provisioning: ColumnType<JsonObject, string | undefined, string>;
  connection_id: Optional<string>;
  created_at: CreatedAt;
  updated_at: CreatedAt;
}

interface PropertyMappingTable {
  id: string;
  serial: Serial;
  tenant_id: string;
  connection_type: string;
  name: string;
  expression: string;
  managed: Optional<string>;
  created_at: CreatedAt;
  updated_at: CreatedAt;
}

interface SyncPropertyMappingTable {
  sync_id: string;
  kind: 'user' | 'group';
  mapping_id: string;
  position: number;
}

interface ReplicaTable {
  connection_serial: number;
  cursor: JsonOrNull<unknown>;
  round: Generated<number>;
  whole: Generated<boolean>;
  sequence: Generated<number>;
  changed_at: CreatedAt;
  filler: Optional<string>;
  filler_until: MomentOrNull;
}

interface ReplicaRecordTable {
  connection_serial: number;
  kind: 'user' | 'group' | 'organizationalUnit';
  external_id: string;
  attributes: Json<JsonObject>;
  sequence: number;
  revision: Generated<number>;
  round: Generated<number>;
  created_at: CreatedAt;
  modified_at: CreatedAt;
  removal_requested_at: MomentOrNull;
  removed_at: MomentOrNull;
  folded: JsonOrNull<JsonObject>;
}

interface ReplicaMemberTable {
  connection_serial: number;
  group_id: string;
  member_id: string;
  sequence: number;
  round: Generated<number>;
  removed: Generated<boolean>;
}

interface ScimTokenTable {
  id: string;
  connection_id: string;
  token_hash: Uint8Array;
  label: Generated<string>;
  created_at: CreatedAt;
  expires_at: MomentOrNull;
  last_used_at: MomentOrNull;
  revoked_at: MomentOrNull;
}

interface SigningKeyTable {
  id: string;
  tenant_id: string;
  public_key: Json<JsonObject>;
  sealed_private_key: Uint8Array;
  created_at: CreatedAt;
  retired_at: MomentOrNull;
}

interface PendingPasswordTable {
  sync_serial: number;
  user_id: string;
  version: string;
  sealed: Uint8Array;
  expires_at: CreatedAt;
}

interface PaceBucketTable {
  key: string;
  bucket: string;
  level: number;
  filled_at: CreatedAt;
}

interface PaceQuietTable {
  key: string;
  quiet_until: CreatedAt;
}
