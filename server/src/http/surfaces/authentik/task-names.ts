import type { JobView } from '@lockstep/contract/job.ts';
import type { Direction } from '@lockstep/contract/vocabulary.ts';
import { listNamedSyncs, type NamedSync } from '../../../app/sync-directory.ts';
import { families } from './families.ts';
import type { OperationCall } from './operation.ts';
import { slugOf } from './slug.ts';

/** How the task of a job is called, and what it is a task of. */
export interface TaskNames {
  readonly name: string;
  readonly uid: string;
  readonly actor: string;
  readonly description: string;
  readonly app: string;
  readonly model: string;
  /** Id of the provider or source; null when it is gone. */
  readonly objectId: string | null;
}

type Kind = Pick<TaskNames, 'name' | 'actor' | 'app' | 'model'> & { readonly says: string };

const ldapSource: Kind = {
  name: 'ldap_sync',
  actor: 'authentik.sources.ldap.tasks.ldap_sync',
  app: 'authentik_sources_ldap',
  model: 'ldapsource',
  says: 'Sync LDAP source',
};

/** What the vendor's product does not have is called by type and direction. */
function kindOf(type: string, direction: Direction): Kind {
  const family = families.find(({ connectionType }) => connectionType === type);
  if (family !== undefined && direction === 'egress') {
    const { task, actor, app, model } = family;
    return {
      name: task,
      actor,
      app,
      model: model.toLowerCase(),
      says: `Full sync for ${family.verboseName}`,
    };
  }
  if (type === 'ldap' && direction === 'ingress') return ldapSource;
  const name = `${type}_${direction}`;
  return { name, actor: `lockstep.${name}`, app: 'lockstep', model: type, says: `Sync ${type} ${direction}` };
}

export function namesOfSync(named: NamedSync): TaskNames {
  const { says, ...kind } = kindOf(named.connectionType, named.sync.direction);
  const uid = slugOf(named.displayName) || named.connectionName;
  const objectId = String(named.connectionSerial);
  return { ...kind, uid, description: `${says} ${named.displayName}.`, objectId };
}

/** Names of the tasks of all jobs of the tenant. */
export interface TaskDirectory {
  readonly syncs: readonly { readonly named: NamedSync; readonly names: TaskNames }[];
  of(job: Pick<JobView, 'syncId' | 'sync' | 'direction'>): TaskNames;
}

export async function loadTaskDirectory({ app, actor }: OperationCall): Promise<TaskDirectory> {
  const syncs = (await listNamedSyncs(app, actor)).map((named) => ({ named, names: namesOfSync(named) }));
  const byId = new Map(syncs.map(({ named, names }) => [named.sync.id, names]));
  return {
    syncs,
    of(job) {
      const known = byId.get(job.syncId);
      if (known !== undefined) return known;
      // The sync is gone; its jobs stay.
      const { says, ...kind } = kindOf('former', job.direction);
      return { ...kind, uid: slugOf(job.sync), description: `${says} ${job.sync}.`, objectId: null };
    },
  };
}
