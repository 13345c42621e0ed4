import { judgeConditions, type RequestFacts } from './policy-conditions.ts';
import type { Policy, Statement } from './policy-document.ts';
import { fitsWildcard } from './wildcard.ts';

/** What is asked for: `eiam:GetUser` on `acs:eiam:{region}:{account}:instance/{id}/user/{id}`. */
export interface AccessRequest {
  readonly action: string;
  readonly resource: string;
  readonly facts: RequestFacts;
}

export type Decision = 'allow' | 'implicitDeny' | 'explicitDeny';

/** Actions are compared without letter case, resources with it. */
function names(statement: Statement, request: AccessRequest): boolean {
  const action = request.action.toLowerCase();
  return (
    statement.actions.some((pattern) => fitsWildcard(pattern.toLowerCase(), action)) &&
    statement.resources.some((pattern) => fitsWildcard(pattern, request.resource))
  );
}

/**
 * Decides by the rules of RAM: a Deny that fits wins over every Allow, and what no Allow fits is denied. A condition that
 * is not understood never lets an Allow fit, and never keeps a Deny from fitting.
 */
export function evaluatePolicies(policies: readonly Policy[], request: AccessRequest): Decision {
  const fitting = policies
    .flatMap((policy) => policy.statements)
    .filter((statement) => names(statement, request))
    .map((statement) => ({
      effect: statement.effect,
      verdict: judgeConditions(statement.conditions, request.facts),
    }));
  if (fitting.some(({ effect, verdict }) => effect === 'Deny' && verdict !== false)) return 'explicitDeny';
  return fitting.some(({ effect, verdict }) => effect === 'Allow' && verdict === true)
    ? 'allow'
    : 'implicitDeny';
}
