import type { ScimConnection } from '@lockstep/contract/connection-configuration.ts';

export type ProfileName = ScimConnection['profile'];

/** What is peculiar about a service, as far as it does not tell itself. */
export interface Profile {
  readonly name: ProfileName;
  /** How users are changed; undefined: by what the service says of itself. */
  readonly userUpdates?: 'patch' | 'put' | undefined;
  readonly groupUpdates?: 'patch' | 'put' | undefined;
  /** `paths`: each operation of a PATCH names its attribute; `object`: one operation has them all as its value. */
  readonly patchForm: 'paths' | 'object';
  /**
   * How members are named: taken out by `members[value eq "id"]`; or by `members` with a list of values; or taken out
   * and added by `members` with an object that has the list as its `members`.
   */
  readonly memberForm: 'filter' | 'values' | 'object';
  readonly membersPerRequest: number;
  /** Where members can be read; `discover`: in the list, else in the group itself; `never`: nowhere. */
  readonly membersRead: 'discover' | 'resource' | 'never';
  /** Largest page that is worth asking for. */
  readonly maxPageSize?: number | undefined;
  /** Lists are read by cursor and no other way (RFC 9865), though the service does not say so. */
  readonly cursors: boolean;
  /** Whether Bulk may be used where the service offers it. */
  readonly bulk: boolean;
  /** At most one element of emails, addresses and phoneNumbers each. */
  readonly singleElements: boolean;
  /** Core attributes (lower case) that it refuses or drops; URNs of extensions too. */
  readonly lacks: readonly string[];
  readonly groups: boolean;
  /** Attributes whose absence it answers with an error, on top of those that its schema marks. */
  readonly demands: readonly string[];
  /** What a delete does to a user: `remove` him, or the same as disabling him (he is still listed). */
  readonly deletion: 'remove' | 'deactivate';
}

const standard: Profile = {
  name: 'standard',
  patchForm: 'paths',
  memberForm: 'filter',
  membersPerRequest: 100,
  membersRead: 'discover',
  cursors: false,
  bulk: true,
  singleElements: false,
  lacks: [],
  groups: true,
  demands: [],
  deletion: 'remove',
};

/** Each from what the service's own documentation says; docs/connectors/scim.md lists them. */
const profiles: Readonly<Record<ProfileName, Profile>> = {
  auto: { ...standard, name: 'auto' },
  standard,
  aws: {
    ...standard,
    name: 'aws',
    userUpdates: 'put',
    groupUpdates: 'patch',
    memberForm: 'values',
    membersRead: 'never',
    cursors: true,
    maxPageSize: 100,
    bulk: false,
    singleElements: true,
    lacks: ['ims', 'photos', 'x509certificates', 'entitlements', 'password'],
    demands: ['name.givenName', 'name.familyName', 'displayName'],
  },
  slack: {
    ...standard,
    name: 'slack',
    userUpdates: 'patch',
    groupUpdates: 'patch',
    patchForm: 'object',
    bulk: false,
    demands: ['emails.value'],
    deletion: 'deactivate',
  },
  okta: {
    ...standard,
    name: 'okta',
    userUpdates: 'put',
    groupUpdates: 'patch',
    patchForm: 'object',
    bulk: false,
  },
  entra: {
    ...standard,
    name: 'entra',
    userUpdates: 'patch',
    groupUpdates: 'patch',
    memberForm: 'values',
    bulk: false,
  },
  github: {
    ...standard,
    name: 'github',
    userUpdates: 'put',
    groupUpdates: 'patch',
    memberForm: 'values',
    bulk: false,
    demands: ['emails.value'],
  },
  gitlab: {
    ...standard,
    name: 'gitlab',
    userUpdates: 'patch',
    patchForm: 'paths',
    bulk: false,
    groups: false,
  },
  salesforce: {
    ...standard,
    name: 'salesforce',
    userUpdates: 'patch',
    groupUpdates: 'patch',
    patchForm: 'object',
    memberForm: 'object',
    bulk: false,
    demands: ['emails.value', 'entitlements.value'],
    deletion: 'deactivate',
  },
  jackson: {
    ...standard,
    name: 'jackson',
    userUpdates: 'put',
    groupUpdates: 'patch',
    membersRead: 'never',
    maxPageSize: 50,
    bulk: false,
  },
};

/** Hosts by which `auto` knows a service. */
const hosts: readonly (readonly [pattern: RegExp, profile: ProfileName])[] = [
  [/(^|\.)scim\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$/, 'aws'],
  [/^api\.slack\.com$/, 'slack'],
  [/^api\.github\.com$/, 'github'],
  [/^api\.[a-z0-9-]+\.ghe\.com$/, 'github'],
  [/^gitlab\.com$/, 'gitlab'],
  [/\.my\.salesforce\.com$/, 'salesforce'],
];

/** The profile of a connection; `auto` is told by the host of its address where that is known. */
export function profileOf({ profile, url }: Pick<ScimConnection, 'profile' | 'url'>): Profile {
  if (profile !== 'auto') return profiles[profile];
  const { hostname } = new URL(url);
  const found = hosts.find(([pattern]) => pattern.test(hostname));
  return found === undefined ? profiles.auto : profiles[found[1]];
}
