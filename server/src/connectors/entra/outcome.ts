import type { TargetChange, TargetOutcome } from '../../sync/connector.ts';
import { faultError, type GraphFault } from './graph-error.ts';

export function succeeded({ ordinal }: TargetChange, id?: string): TargetOutcome {
  return {
    ordinal,
    ok: true,
    ...(id !== undefined && { externalId: id, location: id, reference: id }),
  };
}

export function failed({ ordinal }: TargetChange, fault: GraphFault, what: string): TargetOutcome {
  const { code, message, remedy } = faultError(fault, what);
  return { ordinal, ok: false, code, message: remedy === undefined ? message : `${message}. ${remedy}` };
}

export function refused(
  { ordinal }: TargetChange,
  code: Extract<TargetOutcome, { ok: false }>['code'],
  message: string,
): TargetOutcome {
  return { ordinal, ok: false, code, message };
}
