import { objectIdAttribute } from '../../sync/egress-source.ts';
import type { KindMapping, Mapping, MatchRules } from '../../mapping/rules.ts';

const from = (...names: string[]) => ({ from: names });

const user: KindMapping = {
  userId: from(objectIdAttribute),
  username: from('username'),
  displayName: from('displayName', 'commonName'),
  email: from('mail'),
  emailVerified: from('mailVerified'),
  phoneNumber: from('phoneNumber', 'mobile'),
  phoneRegion: from('phoneRegion'),
  phoneVerified: from('phoneNumberVerified'),
  userExternalId: from('externalId', objectIdAttribute),
  description: from('description'),
};
const organizationalUnit: KindMapping = {
  organizationalUnitId: from(objectIdAttribute),
  organizationalUnitName: from('name'),
  organizationalUnitExternalId: from('externalId', objectIdAttribute),
  description: from('description'),
};
const group: KindMapping = {
  groupId: from(objectIdAttribute),
  groupName: from('name'),
  groupExternalId: from('externalId', objectIdAttribute),
  description: from('description'),
};

/** The default mapping of an egress. There is none of an ingress: nothing can be read from an application. */
export const eventCallbackMapping: Mapping = { user, organizationalUnit, group };

/** The application knows every object by the directory's id. */
export const eventCallbackMatch: MatchRules = {
  user: [objectIdAttribute],
  organizationalUnit: [objectIdAttribute],
  group: [objectIdAttribute],
};
