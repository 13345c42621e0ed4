import type { Application } from '../../../server/src/app/application.ts';
import { makeJobRunner } from '../../../server/src/app/job-runner.ts';
import { makeEventCallbackConnector } from '../../../server/src/connectors/event-callback/connector.ts';
import { scimConnector } from '../../../server/src/connectors/scim/connector.ts';
import type { Store } from '../../../server/src/store/store.ts';
import type { Connector } from '../../../server/src/sync/connector.ts';
import { openIdleApplication } from '../../servers/application.ts';
import { openEiamClient, type CheckedAnswer, type EiamClient } from './eiam-client.ts';
import { openApiCore, type Call } from './vendor-clients.ts';

/** A vendor's client, an instance, and jobs that run when they are asked to. */
export interface Scene extends EiamClient {
  readonly root: string;
  readonly sales: string;
  /** Pauses between tries of events, which nobody waits for. */
  readonly pauses: number[];
  readonly vendor: Call;
  newUser(Username: string, more?: Record<string, string>): Promise<string>;
  newApplication(config: Record<string, unknown>, units?: readonly string[]): Promise<string>;
  /** Runs a job of the application to its end, and gives it as ListSynchronizationJobs does. */
  synchronize(applicationId: string): Promise<CheckedAnswer>;
  failures(jobId: string): Promise<string[]>;
}

/** An instance with a unit `Sales` in a store, with the connectors that applications need. */
export async function openScene(store: Store): Promise<Scene> {
  const pauses: number[] = [];
  const idle = await openIdleApplication(store);
  const telling = makeEventCallbackConnector((seconds) => {
    pauses.push(seconds);
    return Promise.resolve();
  });
  const connectors: Application['connectors'] = new Map<string, Connector>([
    ['event_callback', telling],
    ['scim', scimConnector],
  ]);
  const client = await openEiamClient({ ...idle, connectors });
  const runner = makeJobRunner({ ...idle, connectors });
  const vendor = openApiCore(new URL(client.api.url).host, idle.credentials, 'v3');
  const { OrganizationalUnit } = await client.call('GetRootOrganizationalUnit');
  const root: string = OrganizationalUnit.OrganizationalUnitId;
  const made = await client.call('CreateOrganizationalUnit', {
    ParentId: root,
    OrganizationalUnitName: 'Sales',
  });
  const sales: string = made.OrganizationalUnitId;
  const asked = { InstanceId: client.tenantId };
  return {
    ...client,
    root,
    sales,
    pauses,
    vendor,
    newUser: async (Username, more = {}) =>
      (
        await client.call('CreateUser', {
          Username,
          DisplayName: `The ${Username}`,
          Email: `${Username}@example.com`,
          EmailVerified: true,
          PrimaryOrganizationalUnitId: sales,
          ...more,
        })
      ).UserId,
    async newApplication(config, units = [sales]) {
      const { ApplicationId } = (await vendor('CreateApplication', {
        ...asked,
        ApplicationName: 'Shop',
        ApplicationSourceType: 'urn:alibaba:idaas:app:source:standard',
        SsoType: 'oidc',
      })) as { ApplicationId: string };
      await vendor('SetApplicationProvisioningConfig', { ...asked, ApplicationId, ...config });
      await vendor('SetApplicationProvisioningScope', {
        ...asked,
        ApplicationId,
        OrganizationalUnitIds: units,
      });
      await vendor('EnableApplicationProvisioning', { ...asked, ApplicationId });
      return ApplicationId;
    },
    async synchronize(applicationId) {
      const target = { ...asked, TargetType: 'application', TargetId: applicationId };
      const { SynchronizationJobId } = await vendor('RunSynchronizationJob', target);
      await runner.run(String(SynchronizationJobId), new AbortController().signal);
      const listed = await client.call('ListSynchronizationJobs', {
        TargetType: 'application',
        TargetIds: [applicationId],
      });
      return listed.SynchronizationJobs.find(
        (job: CheckedAnswer) => job.SynchronizationJobId === SynchronizationJobId,
      );
    },
    async failures(jobId) {
      const path = `/jobs/${jobId}/changes?result=failed&limit=100`;
      const page = await client.api.json<{
        items: { error: { code: string; message: string }; label: string }[];
      }>('GET', path);
      return page.items.map(({ label, error }) => `${label}: ${error.code} ${error.message}`);
    },
  };
}
