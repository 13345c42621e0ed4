import { roles } from '@lockstep/contract/account.ts';
import { decideAccess, type Signer } from '../../../app/access/signer.ts';
import type { RequestFacts } from '../../../app/access/policy-conditions.ts';
import { EiamError } from './errors.ts';
import type { Operation } from './operation.ts';

/** Policies name a region; Lockstep has this one. */
export const regionId = 'cn-hangzhou';

interface Denial {
  readonly action: string;
  readonly policyType: 'AccountLevelIdentityBasedPolicy' | 'AssumeRolePolicy';
  readonly explicit: boolean;
}

function accessDenied(signer: Signer, denial: Denial): EiamError {
  const { accountId, accountName } = signer.actor;
  return new EiamError(403, 'NoPermission', 'You are not authorized to do this action.', {
    accessDenied: {
      PolicyType: denial.policyType,
      AuthPrincipalOwnerId: accountId,
      AuthPrincipalType: signer.temporary === undefined ? 'SubUser' : 'AssumedRoleUser',
      AuthPrincipalDisplayName: accountName,
      NoPermissionType: denial.explicit ? 'ExplicitDeny' : 'ImplicitDeny',
      AuthAction: denial.action,
      EncodedDiagnosticMessage: '',
    },
  });
}

/**
 * Lets a call pass that the role of the key's account bears, whatever its parameters are.
 * @throws EiamError NoPermission with AccessDeniedDetail.
 */
export function requireBearingRole(signer: Signer, operation: Operation): void {
  if (roles.indexOf(signer.actor.role) <= roles.indexOf(operation.role)) return;
  throw accessDenied(signer, {
    action: `eiam:${operation.name}`,
    policyType: 'AccountLevelIdentityBasedPolicy',
    explicit: false,
  });
}

/**
 * Lets a call pass that the key's policies allow.
 * @throws EiamError NoPermission with AccessDeniedDetail.
 */
export function authorize(
  signer: Signer,
  operation: Operation,
  parameters: unknown,
  facts: RequestFacts,
): void {
  const action = `eiam:${operation.name}`;
  const tail = operation.resource(parameters);
  const resource = `acs:eiam:${regionId}:${signer.actor.accountId}:${tail}`;
  const decision = decideAccess(signer, { action, resource, facts });
  if (decision === 'allow') return;
  throw accessDenied(signer, {
    action,
    policyType: signer.temporary?.sessionPolicy ? 'AssumeRolePolicy' : 'AccountLevelIdentityBasedPolicy',
    explicit: decision === 'explicitDeny',
  });
}
