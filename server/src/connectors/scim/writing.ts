import type { TargetChange } from '../../sync/connector.ts';
import type { ScimClient } from './client.ts';
import type { ResourceShape, ServiceDescription } from './discovery.ts';
import type { ScimKind } from './naming.ts';
import type { Gate } from './gate.ts';
import type { Profile } from './profiles.ts';

/** How resources of a kind are changed, and whether Bulk is used; what a service refuses is not tried again. */
export type Ways = Record<ScimKind, 'patch' | 'put'> & { bulk: boolean };

/** All that writing a batch needs. */
export interface Writing {
  readonly client: ScimClient;
  readonly service: ServiceDescription;
  readonly profile: Profile;
  readonly ways: Ways;
  readonly gate: Gate;
  readonly pageSize: number;
  readonly recovering: boolean;
  readonly signal: AbortSignal;
}

export function waysOf(service: ServiceDescription, profile: Profile): Ways {
  const discovered = service.patch === false ? 'put' : 'patch';
  return {
    user: profile.userUpdates ?? discovered,
    group: profile.groupUpdates ?? discovered,
    bulk: profile.bulk && service.bulk !== undefined,
  };
}

export function pathOf({ service }: Pick<Writing, 'service'>, kind: ScimKind, id: string): string {
  return `${service.endpoints[kind]}/${encodeURIComponent(id)}`;
}

export function shapeOf({ service }: Pick<Writing, 'service'>, kind: ScimKind): ResourceShape | undefined {
  return service.shapes[kind];
}

/** The kind of the resource that a change is about; organizational units never reach the connector. */
export function kindOf({ kind }: TargetChange): ScimKind {
  return kind === 'user' ? 'user' : 'group';
}
