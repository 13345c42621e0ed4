import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { issueCertificate, makeAuthority, type TestAuthority } from './certificates.ts';
import { parseLdifDump, type DumpedEntry } from './ldifDump.ts';

export interface SlapdOptions {
  /** `dc=example,dc=com`, also `o=…`. */
  readonly suffix?: string;
  /** Loaded by `slapadd -q` before the start; it holds the suffix entry. Without it the suffix entry alone is made. */
  readonly ldif?: string | { readonly path: string };
  /** LDAPS on a port of its own, and StartTLS on the plain one; names are those of the server's certificate. */
  readonly tls?: boolean | { readonly names?: readonly string[] };
  /** Skips fsync after each write: quick tests, and nothing about durable write speed. */
  readonly dbnosync?: boolean;
  readonly syncprov?: boolean;
  /** Lines for the database section. */
  readonly extraConfig?: string;
  /** Lines before the database section. */
  readonly globalConfig?: string;
}

/** A running OpenLDAP server of Debian's, with everything it owns in one temporary directory. */
export interface Slapd extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly ldapiUrl: string;
  readonly ldapsUrl: string | undefined;
  readonly suffix: string;
  readonly adminDn: string;
  readonly password: string;
  /** The authority that signed the server's certificate; with `tls` only. */
  readonly authority: TestAuthority | undefined;
  readonly caFile: string | undefined;
  readonly directory: string;
  readonly pid: number;
  /** Adds entries, or carries out change records, by ldapmodify as the administrator. */
  addLdif(text: string): Promise<void>;
  /** The whole database as LDIF (slapcat), operational attributes included. */
  dump(): Promise<string>;
  /** The whole database, parsed. */
  entries(): Promise<DumpedEntry[]>;
  /** Runs one of OpenLDAP's tools as the administrator, e.g. `tool('ldapsearch', ['-b', suffix])`. */
  tool(name: string, args: readonly string[], input?: string): Promise<string>;
  /** Ends the server process; its data stays. */
  halt(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again, on the same port and data. */
  resume(): Promise<void>;
  /** Ends the server and removes its directory. */
  stop(): Promise<void>;
}

const password = 'secret';
const schemas = ['core', 'cosine', 'inetorgperson', 'nis'];

/** Starts a server and waits until it answers. A port taken by another process meanwhile is replaced by a new one. */
/** Global configuration of a server that says of none of its controls that it knows them. */
export const hidesControls = 'access to dn.base="" attrs=supportedControl by * none\naccess to * by * read\n';

export async function startSlapd(options: SlapdOptions = {}): Promise<Slapd> {
  const suffix = options.suffix ?? 'dc=example,dc=com';
  const directory = await mkdtemp(join(tmpdir(), 'slapd-'));
  try {
    await mkdir(join(directory, 'db'));
    const authority = options.tls ? await makeAuthority(directory) : undefined;
    const tlsLines = authority ? await serverCertificate(authority, directory, options) : '';
    const configFile = join(directory, 'slapd.conf');
    await writeFile(configFile, renderConfig(directory, suffix, tlsLines, options));
    await loadLdif(directory, configFile, options.ldif ?? suffixEntry(suffix));
    return await startOnFreePort({ directory, configFile, suffix, authority });
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

function renderConfig(directory: string, suffix: string, tlsLines: string, options: SlapdOptions): string {
  return `${schemas.map((schema) => `include /etc/ldap/schema/${schema}.schema`).join('\n')}
modulepath /usr/lib/ldap
moduleload back_mdb
${options.syncprov ? 'moduleload syncprov\n' : ''}pidfile ${directory}/slapd.pid
sizelimit unlimited
timelimit unlimited
threads 4
sockbuf_max_incoming 16777216
sockbuf_max_incoming_auth 67108864
authz-regexp "gidNumber=[0-9]+\\\\+uidNumber=[0-9]+,cn=peercred,cn=external,cn=auth" "cn=admin,${suffix}"
${tlsLines}${options.globalConfig ?? ''}
database mdb
suffix "${suffix}"
rootdn "cn=admin,${suffix}"
rootpw ${password}
directory ${directory}/db
maxsize 8589934592
index objectClass,entryUUID,entryCSN,uid,cn,member eq
${options.dbnosync ? 'dbnosync\n' : ''}${options.syncprov ? 'overlay syncprov\n' : ''}${options.extraConfig ?? ''}
`;
}

async function serverCertificate(
  authority: TestAuthority,
  directory: string,
  options: SlapdOptions,
): Promise<string> {
  const names = (typeof options.tls === 'object' ? options.tls.names : undefined) ?? [
    'DNS:localhost',
    'IP:127.0.0.1',
  ];
  const { certFile, keyFile } = await issueCertificate(authority, directory, 'server', names);
  return `TLSCACertificateFile ${authority.caFile}
TLSCertificateFile ${certFile}
TLSCertificateKeyFile ${keyFile}
TLSVerifyClient try
`;
}

function suffixEntry(suffix: string): string {
  const [type = '', value = ''] = (suffix.split(',')[0] ?? '').split('=');
  const classes = type === 'dc' ? 'objectClass: dcObject\nobjectClass: organization\no: Example' : '';
  const other = type === 'ou' ? 'objectClass: organizationalUnit' : 'objectClass: organization';
  return `dn: ${suffix}\n${classes || other}\n${type}: ${value}\n`;
}

async function loadLdif(
  directory: string,
  configFile: string,
  ldif: string | { readonly path: string },
): Promise<void> {
  let path = typeof ldif === 'string' ? join(directory, 'load.ldif') : ldif.path;
  if (typeof ldif === 'string') await writeFile(path, ldif);
  await execute('/usr/sbin/slapadd', ['-q', '-f', configFile, '-l', path]);
}

interface Prepared {
  readonly directory: string;
  readonly configFile: string;
  readonly suffix: string;
  readonly authority: TestAuthority | undefined;
}

async function startOnFreePort(prepared: Prepared): Promise<Slapd> {
  for (let attempt = 1; ; attempt += 1) {
    const [port, tlsPort] = await freePorts(2);
    try {
      return await startOn(prepared, port!, tlsPort!);
    } catch (error) {
      if (attempt === 5) throw error;
    }
  }
}

async function startOn(prepared: Prepared, port: number, tlsPort: number): Promise<Slapd> {
  const { directory, suffix, authority } = prepared;
  const url = `ldap://127.0.0.1:${port}`;
  const socketPath = join(directory, 'ldapi');
  const ldapiUrl = `ldapi://${encodeURIComponent(socketPath)}`;
  const ldapsUrl = authority ? `ldaps://127.0.0.1:${tlsPort}` : undefined;
  const adminDn = `cn=admin,${suffix}`;
  const urls = [url, ldapiUrl, ...(ldapsUrl ? [ldapsUrl] : [])];
  let server = await spawnSlapd(prepared.configFile, urls, socketPath);

  const tool = (name: string, args: readonly string[], input?: string): Promise<string> =>
    execute(name, ['-x', '-H', ldapiUrl, '-D', adminDn, '-w', password, ...args], input);
  const halt = (signal: NodeJS.Signals = 'SIGTERM'): Promise<void> => endProcess(server, signal);
  const dump = (): Promise<string> => execute('/usr/sbin/slapcat', ['-f', prepared.configFile]);
  const stop = async (): Promise<void> => {
    await halt();
    await rm(directory, { recursive: true, force: true });
  };
  return {
    url,
    port,
    ldapiUrl,
    ldapsUrl,
    suffix,
    adminDn,
    password,
    authority,
    directory,
    tool,
    halt,
    dump,
    stop,
    caFile: authority?.caFile,
    get pid() {
      return server.pid!;
    },
    addLdif: async (text) => void (await tool('ldapmodify', ['-a'], text)),
    entries: async () => parseLdifDump(await dump()),
    resume: async () => {
      server = await spawnSlapd(prepared.configFile, urls, socketPath);
    },
    [Symbol.asyncDispose]: stop,
  };
}

/** slapd opens all listeners before it serves, and ends when one of them is taken: its own socket tells both. */
async function spawnSlapd(
  configFile: string,
  urls: readonly string[],
  socketPath: string,
): Promise<ChildProcess> {
  await rm(socketPath, { force: true });
  const server = spawn('/usr/sbin/slapd', ['-f', configFile, '-h', urls.join(' '), '-d', '0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complaint = '';
  server.stderr?.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(-4000)));
  const orphanGuard = (): void => void server.kill('SIGKILL');
  process.once('exit', orphanGuard);
  server.once('exit', () => process.off('exit', orphanGuard));
  const deadline = Date.now() + 20_000;
  while (server.exitCode === null && server.signalCode === null) {
    if (await answers(socketPath)) return server;
    if (Date.now() > deadline) {
      await endProcess(server, 'SIGKILL');
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`slapd did not start: ${complaint}`);
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

async function endProcess(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = once(server, 'exit');
  server.kill(signal);
  const impatient = setTimeout(() => server.kill('SIGKILL'), 10_000);
  await ended;
  clearTimeout(impatient);
}

/** Ports that were free a moment ago, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

/** Runs a program to its end and gives its standard output; throws with its standard error if it fails. */
function execute(program: string, args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, { maxBuffer: 1 << 30 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${program} failed: ${stderr || error.message}`));
      else resolve(stdout);
    });
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}
