import { mkdtemp, readFile } from 'node:fs/promises';
import { openStore } from '/work/main/server/src/store/open.ts';
import { startPostgres } from '/work/main/test/servers/postgres.ts';
import { startSlapd } from '/work/main/test/servers/slapd.ts';
import { brief, makeWorkbench } from '/work/main/test/workbench.ts';
const [engine, file] = process.argv.slice(2);
const pg = engine === 'pg' ? await startPostgres({settings:['log_min_duration_statement=0','log_parameter_max_length=20','log_line_prefix=@@','log_statement_stats=off','logging_collector=on','log_directory=/tmp/pglogs','log_filename=pg.log','shared_buffers=256MB']}) : null;
const store = await openStore(pg ? { databaseUrl: await pg.createDatabase() } : { data: await mkdtemp('/tmp/ls-') });
const bench = await makeWorkbench(store);
const a = await startSlapd({ suffix: 'dc=example,dc=com', ldif: { path: file! } , dbnosync: true});
const b = await startSlapd({ suffix: 'dc=replica,dc=org', dbnosync: true, ldif: `dn: dc=replica,dc=org\nobjectClass: dcObject\nobjectClass: organization\no: R\ndc: replica\n` });
try {
await bench.connection('corp', { type: 'ldap', url: a.url, bindDn: a.adminDn, password: a.password, baseDn: a.suffix });
await bench.connection('replica', { type: 'ldap', url: b.url, bindDn: b.adminDn, password: b.password, baseDn: b.suffix });
await bench.sync('in', { connection: 'corp', direction: 'ingress', scopes: [{ source: a.suffix, target: '/' }], match: ['mail', 'username'], onMissing: 'disable' });
await bench.sync('out', { connection: 'replica', direction: 'egress', scopes: [{ source: '/', target: b.suffix }], onMissing: 'delete' });
for (const s of (process.argv[4] ?? 'in,in,out,out,out').split(',')) {
  const t = performance.now(); const c0 = process.cpuUsage();
  const job = await bench.run(s);
  const c = process.cpuUsage(c0);
  console.log(s, job.status, job.error, ((performance.now()-t)/1000).toFixed(2)+'s', 'cpu', ((c.user+c.system)/1e6).toFixed(2), 'rss', (process.memoryUsage().rss/1e6).toFixed(0), brief(job.statistics));
}
} finally { await a.stop(); await b.stop(); await store.close(); await pg?.stop(); }
