import { closestName } from '../kernel/closest-name.ts';
import { LockstepError } from '../kernel/errors.ts';

/** What is tolerated from a client that departs from RFC 7644. Every flag off is the RFC to the letter. */
export interface ScimProfile {
  readonly name: string;
  /** Operations of PATCH in any case: `Add`, `Replace`, `Remove`. */
  readonly anyCaseOperations: boolean;
  /** `"True"` and `"1.5"` where a boolean or a number belongs, and numbers where text belongs; also in filters. */
  readonly textualValues: boolean;
  /** Without a path, keys of the value may be paths: `name.givenName`, `emails[type eq "work"].value`, `urn:...:User:department`. */
  readonly pathKeys: boolean;
  /** Writing to `emails[type eq "work"].value` makes the value that the filter describes if there is none. */
  readonly createByFilter: boolean;
  /** `remove` of `members` with a list of values removes those alone, not all. */
  readonly removeByValue: boolean;
  /** A string where a complex value belongs is its `value`: `manager: "26118915"`. */
  readonly scalarComplex: boolean;
  /** Read-only attributes in a PATCH are passed over, not refused. */
  readonly ignoreReadOnly: boolean;
  /** Removing what is not there is no error, nor is an unknown attribute in a PATCH. */
  readonly ignoreMissing: boolean;
  /** Messages and resources without `schemas` are understood. */
  readonly optionalSchemas: boolean;
}

const strict: ScimProfile = {
  name: 'strict',
  anyCaseOperations: false,
  textualValues: false,
  pathKeys: false,
  createByFilter: false,
  removeByValue: false,
  scalarComplex: false,
  ignoreReadOnly: false,
  ignoreMissing: false,
  optionalSchemas: false,
};

const lenient: ScimProfile = {
  name: 'lenient',
  anyCaseOperations: true,
  textualValues: true,
  pathKeys: true,
  createByFilter: true,
  removeByValue: true,
  scalarComplex: true,
  ignoreReadOnly: true,
  ignoreMissing: true,
  optionalSchemas: true,
};

/**
 * Profiles by the name of the client. `lenient` tolerates whatever has one meaning only and suits a client that nobody
 * has described; the others tolerate what the client of that name is documented, or known, to send.
 */
export const scimProfiles = {
  strict,
  lenient,
  /** Microsoft Entra ID, with and without the flag `aadOptscim062020`. */
  entra: { ...lenient, name: 'entra' },
  /** Okta: replaces with `id` in the value, activates by a value without a path. */
  okta: { ...strict, name: 'okta', ignoreReadOnly: true, ignoreMissing: true, optionalSchemas: true },
  /** JumpCloud: removes members by a list of values. */
  jumpcloud: { ...lenient, name: 'jumpcloud', createByFilter: false },
  /** OneLogin: leaves out `schemas`, gives the manager as a string. */
  onelogin: { ...lenient, name: 'onelogin', pathKeys: false },
} as const satisfies Record<string, ScimProfile>;

export type ScimProfileName = keyof typeof scimProfiles;

export const scimProfileNames = Object.keys(scimProfiles) as ScimProfileName[];

/** @throws {LockstepError} InvalidConfiguration for a name that is not in the table. */
export function getScimProfile(name: string): ScimProfile {
  if (Object.hasOwn(scimProfiles, name)) return scimProfiles[name as ScimProfileName];
  const near = closestName(name, scimProfileNames);
  throw new LockstepError('InvalidConfiguration', `There is no SCIM profile "${name}".`, {
    field: 'profile',
    remedy: near === undefined ? `Use one of ${scimProfileNames.join(', ')}.` : `Did you mean "${near}"?`,
  });
}
