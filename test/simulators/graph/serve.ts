import { parseArgs } from 'node:util';
import { makeCompany } from './company.ts';
import { startGraphSimulator } from './simulator.ts';

const usage = `Starts a simulator of Microsoft Graph for local trials and prints where it is as one line of JSON.

  node test/simulators/graph/serve.ts [--port 0] [--authority-port 0] [--users 200] [--domain contoso.example]
    [--tenant-id ID] [--client-id ID] [--client-secret SECRET] [--writes-per-150-seconds N]

It ends on SIGTERM or SIGINT, and with it what it holds.`;

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    'authority-port': { type: 'string', default: '0' },
    users: { type: 'string', default: '200' },
    domain: { type: 'string', default: 'contoso.example' },
    'tenant-id': { type: 'string' },
    'client-id': { type: 'string' },
    'client-secret': { type: 'string' },
    'writes-per-150-seconds': { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

const skuId = '6fd2c87f-b296-42f0-b197-1e91e994b900';
const writes = values['writes-per-150-seconds'];

if (values.help) console.log(usage);
else {
  const simulator = await startGraphSimulator({
    graphPort: Number(values.port),
    authorityPort: Number(values['authority-port']),
    domains: [{ name: 'contoso.onmicrosoft.com', isInitial: true, isDefault: true }, { name: values.domain }],
    skus: [{ skuId, skuPartNumber: 'ENTERPRISEPACK', units: 1000 }],
    ...(values['tenant-id'] === undefined ? {} : { tenantId: values['tenant-id'] }),
    ...(values['client-id'] === undefined ? {} : { clientId: values['client-id'] }),
    ...(values['client-secret'] === undefined ? {} : { clientSecret: values['client-secret'] }),
    ...(writes === undefined
      ? {}
      : { quota: { units: 8000, unitSeconds: 10, writes: Number(writes), writeSeconds: 150 } }),
  });
  simulator.directory.seed(makeCompany({ users: Number(values.users), domain: values.domain, skuId }));
  const { graphUrl, authorityUrl, caFile, tenantId, clientId, clientSecret } = simulator;
  console.log(JSON.stringify({ graphUrl, authorityUrl, caFile, tenantId, clientId, clientSecret }));
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void simulator.stop());
}
