import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { GraphControl, type Behaviour } from './control.ts';
import { Faults } from './faults/faults.ts';
import type { QuotaSettings } from './faults/quota.ts';
import { GraphServer } from './graph-server.ts';
import { listen, makeCertificates, type Answer, type Listener } from './listener.ts';
import type { Application } from './login/applications.ts';
import { Authority } from './login/authority.ts';
import { answerLogin, loginFault } from './login/login-server.ts';
import { RequestLog } from './request-log.ts';
import { send, sendBroken } from './send.ts';
import { GraphService } from './service.ts';
import { Directory } from './state/directory.ts';
import { Tenant, type Domain, type SubscribedSku } from './state/tenant.ts';

export interface GraphSimulatorOptions {
  readonly tenantId?: string;
  readonly displayName?: string;
  /** `contoso.onmicrosoft.com` (initial, default) and `contoso.example`, both verified, when not given. */
  readonly domains?: readonly Domain[];
  readonly skus?: readonly SubscribedSku[];
  /** On top of the one that `clientId` and `clientSecret` belong to. */
  readonly applications?: readonly Application[];
  readonly behaviour?: Partial<Behaviour>;
  /** Without it nothing is throttled but by planned faults. */
  readonly quota?: QuotaSettings;
  readonly softDeleteSecurityGroups?: boolean;
  /** Life of access tokens; 3599 when not given. */
  readonly tokenSeconds?: number;
  /** Ports of the two listeners; free ones when not given. */
  readonly graphPort?: number;
  readonly authorityPort?: number;
  readonly clientId?: string;
  readonly clientSecret?: string;
}

/** A running simulator of Microsoft Graph v1.0 and of its login authority, on 127.0.0.1 by TLS. */
export interface GraphSimulator extends AsyncDisposable {
  /** Without `/v1.0`. */
  readonly graphUrl: string;
  readonly authorityUrl: string;
  /** The test authority that signed both certificates, in PEM. */
  readonly caFile: string;
  readonly caPem: string;
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** What the directory holds: seed, read and change it past the API. */
  readonly directory: Directory;
  readonly requests: RequestLog;
  /** Faults of Graph requests, those in batches too. */
  readonly faults: Faults;
  /** Faults of requests to the authority; paths begin with the tenant. */
  readonly loginFaults: Faults;
  /** May be changed at any time. */
  readonly behaviour: Behaviour;
  readonly authority: Authority;
  /** New objects are known everywhere from now on. */
  replicate(): void;
  /** Delta queries do not see changes that come from now on. */
  withholdChanges(): void;
  /** They see them now, after those that came meanwhile by other ways. */
  releaseChanges(): void;
  /** All delta links and next links are dead: 410. */
  killDeltaTokens(): void;
  /** All access tokens are expired. */
  expireAccessTokens(): void;
  /** Lets time pass for tokens, delta links and quotas. */
  advanceClock(seconds: number): void;
  stop(): Promise<void>;
}

const defaultDomains: readonly Domain[] = [
  { name: 'contoso.onmicrosoft.com', isInitial: true, isDefault: true },
  { name: 'contoso.example' },
];
const defaultSkus: readonly SubscribedSku[] = [
  { skuId: '6fd2c87f-b296-42f0-b197-1e91e994b900', skuPartNumber: 'ENTERPRISEPACK', units: 100 },
];

/** All that answers, before it listens. */
interface Parts {
  readonly tenant: Tenant;
  readonly application: Application;
  readonly authority: Authority;
  readonly control: GraphControl;
  readonly requests: RequestLog;
  readonly service: GraphService;
  readonly faults: Faults;
  readonly loginFaults: Faults;
  readonly now: () => number;
}

/** Starts both servers with an empty directory. */
export async function startGraphSimulator(options: GraphSimulatorOptions = {}): Promise<GraphSimulator> {
  const clock = { advanced: 0 };
  const parts = makeParts(options, () => Date.now() + clock.advanced);
  const certificates = await makeCertificates();
  const listeners: Listener[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(listeners.map((listener) => listener.close()));
    await rm(certificates.directory, { recursive: true, force: true });
  };
  try {
    listeners.push(await listen(certificates, options.graphPort, graphAnswer(parts)));
    listeners.push(await listen(certificates, options.authorityPort, loginAnswer(parts)));
  } catch (error) {
    await stop();
    throw error;
  }
  const [graphUrl = '', authorityUrl = ''] = listeners.map((listener) => listener.url);
  Object.assign(parts.service, { graphUrl, authorizationUri: `${authorityUrl}/common/oauth2/authorize` });
  Object.assign(parts.authority, { graphUrl, authorityUrl });
  const { tenant, application, authority, control, requests, service, faults, loginFaults } = parts;
  return {
    graphUrl,
    authorityUrl,
    caFile: certificates.caFile,
    caPem: certificates.caPem,
    tenantId: tenant.settings.tenantId,
    clientId: application.clientId,
    clientSecret: application.secrets?.[0]?.value ?? '',
    directory: new Directory(tenant),
    requests,
    faults,
    loginFaults,
    behaviour: control.behaviour,
    authority,
    replicate: () => control.replicate(),
    withholdChanges: () => tenant.log.withhold(),
    releaseChanges: () => tenant.log.release(),
    killDeltaTokens: () => service.rounds.kill(),
    expireAccessTokens: () => authority.revokeTokens(),
    advanceClock: (seconds) => void (clock.advanced += seconds * 1000),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function makeParts(options: GraphSimulatorOptions, now: () => number): Parts {
  const tenant = new Tenant({
    tenantId: options.tenantId ?? randomUUID(),
    displayName: options.displayName ?? 'Contoso',
    domains: options.domains ?? defaultDomains,
    skus: options.skus ?? defaultSkus,
    softDeleteSecurityGroups: options.softDeleteSecurityGroups ?? false,
    now,
  });
  const application: Application = {
    clientId: options.clientId ?? randomUUID(),
    secrets: [{ value: options.clientSecret ?? 'simulator~secret' }],
  };
  const applications = [application, ...(options.applications ?? [])];
  const authority = new Authority(tenant, applications, options.tokenSeconds ?? 3599);
  const control = new GraphControl(options.behaviour ?? {});
  const requests = new RequestLog();
  const service = new GraphService({ tenant, control, log: requests, quota: options.quota });
  const [faults, loginFaults] = [new Faults(), new Faults()];
  return { tenant, application, authority, control, requests, service, faults, loginFaults, now };
}

function graphAnswer({ service, authority, faults }: Parts): Answer {
  const server = new GraphServer(service, authority, faults);
  return (incoming, outgoing, body) => server.answer(incoming, outgoing, body);
}

function loginAnswer({ authority, requests, loginFaults, now }: Parts): Answer {
  return (incoming, outgoing, body) => {
    if (incoming.url?.endsWith('/token')) requests.addToken();
    const fault = loginFaults.take(incoming.method ?? '', incoming.url ?? '', false);
    const response = answerLogin(authority, now(), incoming, body);
    if (fault && sendBroken(outgoing, response, fault)) return;
    send(outgoing, (fault && loginFault(fault)) ?? response);
  };
}
