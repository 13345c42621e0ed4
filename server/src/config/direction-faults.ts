import type { Fault } from './fault.ts';
import { valueAt } from './field-path.ts';

/** Connections that are one side of a sync only. */
const onlyDirection: ReadonlyMap<unknown, 'ingress' | 'egress'> = new Map([
  ['scim_server', 'ingress'],
  ['event_callback', 'egress'],
]);

const whyOnly = {
  ingress: [
    'others push into it, and nothing is written to it',
    'To write to a SCIM service, use type scim.',
  ],
  egress: ['it is told of changes, and nothing can be read from it', 'Use direction egress.'],
} as const;

/**
 * What a sync says that its direction does not allow: a connection that is only the other side, and settings that only
 * an egress has. Values of another type than expected are the schema's matter. Paths begin at the sync.
 */
export function directionFaults(connectionType: unknown, sync: unknown): Fault[] {
  const direction = valueAt(sync, ['direction']);
  if (direction !== 'ingress' && direction !== 'egress') return [];
  return [
    ...sideFaults(connectionType, direction),
    ...(direction === 'ingress' ? egressOnlyFaults(sync) : passwordFaults(connectionType, sync)),
  ];
}

function fault(field: string, message: string, remedy: string): Fault {
  return { path: [field], code: 'InvalidConfiguration', message, remedy };
}

function sideFaults(connectionType: unknown, direction: 'ingress' | 'egress'): Fault[] {
  const only = onlyDirection.get(connectionType);
  if (only === undefined || only === direction) return [];
  const [reason, remedy] = whyOnly[only];
  return [
    fault(
      'direction',
      `a connection of type ${String(connectionType)} has no ${direction}: ${reason}`,
      remedy,
    ),
  ];
}

/** The types of connections that passwords can be written to. */
const takesPasswords: readonly unknown[] = ['ldap'];

function passwordFaults(connectionType: unknown, sync: unknown): Fault[] {
  if (valueAt(sync, ['passwords']) !== true || takesPasswords.includes(connectionType)) return [];
  const message = `no passwords are written to a connection of type ${String(connectionType)}`;
  return [fault('passwords', message, 'Leave it out: passwords are written to LDAP directories.')];
}

function egressOnlyFaults(sync: unknown): Fault[] {
  return [
    ...(valueAt(sync, ['continuous']) === true
      ? [fault('continuous', 'only an egress follows the directory', 'Give an ingress a schedule.')]
      : []),
    ...(valueAt(sync, ['passwords']) === true
      ? [fault('passwords', 'only an egress writes passwords', 'Leave it out: no password is ever read.')]
      : []),
    ...(valueAt(sync, ['actions']) === undefined
      ? []
      : [
          fault(
            'actions',
            'only what an egress does can be limited',
            'Leave it out: onMissing says what an ingress may take away.',
          ),
        ]),
  ];
}
