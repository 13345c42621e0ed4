import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { checkServerIdentity, connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { type ErrorCode, LockstepError } from '../../../../kernel/errors.ts';
import { type LdapAddress, renderAddress } from './address.ts';
import { Inlet } from './inlet.ts';

/** A connected socket; its bytes come through the inlet where there is one, else by 'data' events. */
export interface Channel {
  readonly socket: Socket;
  readonly inlet?: Inlet | undefined;
}

export interface TlsSettings {
  /** Authorities in PEM; absent: those that Node trusts. */
  readonly ca?: string | Buffer | undefined;
  /** Client certificate and key in PEM, for SASL EXTERNAL. */
  readonly cert?: string | Buffer | undefined;
  readonly key?: string | Buffer | undefined;
  /** Name to ask for (SNI) and to find in the certificate; absent: the URL's host. */
  readonly serverName?: string | undefined;
  /** false: any certificate will do, unless fingerprints are given. Default true. */
  readonly verify?: boolean | undefined;
  /** SHA-256 of accepted server certificates, in hexadecimal, colons optional; demanded on top of `verify`. */
  readonly checkFingerprints?: readonly string[] | undefined;
}

interface Limits {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens a socket, with TLS for ldaps; `staysPlain` says that no StartTLS will follow on another one.
 * @throws LockstepError ConnectionFailed, naming address and step.
 */
export async function openChannel(
  address: LdapAddress,
  tls: TlsSettings,
  limits: Limits,
  staysPlain: boolean,
): Promise<Channel> {
  const inlet = staysPlain && address.scheme !== 'ldaps' ? new Inlet() : undefined;
  const reading = inlet && { onread: inlet.onread };
  const socket =
    address.scheme === 'ldapi'
      ? connectPlain({ path: address.path, ...reading })
      : connectPlain({ host: address.host, port: address.port, noDelay: true, keepAlive: true, ...reading });
  await settled(socket, 'connect', address, 'connect', limits);
  return {
    socket: address.scheme === 'ldaps' ? await secureSocket(socket, address, tls, limits) : socket,
    inlet,
  };
}

/** Begins TLS on an open socket (RFC 4513 section 3.1.3: the name in the certificate must be the one asked for). */
export async function secureSocket(
  socket: Socket,
  address: LdapAddress,
  tls: TlsSettings,
  limits: Limits,
): Promise<TLSSocket> {
  const name = tls.serverName ?? (address.scheme === 'ldapi' ? 'localhost' : address.host);
  const options: ConnectionOptions = {
    socket,
    rejectUnauthorized: tls.verify ?? true,
    checkServerIdentity: (_name, certificate) => checkServerIdentity(name, certificate),
    minVersion: 'TLSv1.2',
  };
  // An address is no host name for SNI (RFC 6066 section 3).
  if (isIP(name) === 0) options.servername = name;
  if (tls.ca !== undefined) options.ca = tls.ca;
  if (tls.cert !== undefined) options.cert = tls.cert;
  if (tls.key !== undefined) options.key = tls.key;
  const secured = connectTls(options);
  await settled(secured, 'secureConnect', address, 'TLS', limits);
  checkFingerprint(secured, address, tls.checkFingerprints);
  return secured;
}

function checkFingerprint(
  socket: TLSSocket,
  address: LdapAddress,
  accepted: readonly string[] | undefined,
): void {
  if (accepted === undefined) return;
  const found = socket.getPeerCertificate().fingerprint256;
  if (accepted.some((fingerprint) => plainHex(fingerprint) === plainHex(found))) return;
  socket.destroy();
  throw new LockstepError(
    'ConnectionFailed',
    `${renderAddress(address)}: TLS: the server's certificate has the fingerprint ${found}, which is not among those accepted`,
    { remedy: 'Check the server, then add the fingerprint to the configuration.' },
  );
}

function plainHex(fingerprint: string): string {
  return fingerprint.replaceAll(/[^0-9a-f]/gi, '').toLowerCase();
}

/** Waits for the event that says the step is done; destroys the socket if it does not come. */
async function settled(
  socket: Socket,
  event: string,
  address: LdapAddress,
  step: string,
  limits: Limits,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(
    () => reject(new Error(`no answer within ${limits.timeoutMs} ms`)),
    limits.timeoutMs,
  );
  const aborted = (): void => reject(new Error('cancelled'));
  const closed = (): void => reject(new Error('the server closed the connection'));
  limits.signal?.addEventListener('abort', aborted);
  socket.once(event, resolve).once('error', reject).once('close', closed);
  if (limits.signal?.aborted) aborted();
  try {
    await promise;
  } catch (error) {
    socket.on('error', () => undefined).destroy();
    throw connectionFailed(address, step, error, limits.signal?.aborted ? 'Cancelled' : 'ConnectionFailed');
  } finally {
    clearTimeout(timer);
    limits.signal?.removeEventListener('abort', aborted);
    socket.off(event, resolve).off('error', reject).off('close', closed);
  }
}

function connectionFailed(
  address: LdapAddress,
  step: string,
  cause: unknown,
  code: ErrorCode,
): LockstepError {
  const { code: name = '' } = cause as SocketError;
  const remedy = code === 'Cancelled' ? undefined : remedyFor(address, step, name);
  const text = `${renderAddress(address)}: ${step}: ${saidBy(cause as SocketError)}`;
  return new LockstepError(code, text, { cause, remedy });
}

/** What a socket ends with. */
export interface SocketError extends NodeJS.ErrnoException {
  readonly reason?: string;
}

/** What an error says; the messages of OpenSSL are several lines for its makers, its reasons a few words. */
export function saidBy({ message, code = '', reason = message }: SocketError): string {
  return (code.startsWith('ERR_SSL_') ? reason : message) || code;
}

/** What the codes of certificates that are not accepted have in common. */
const certificateCodes = /CERT|SIGNATURE|ISSUER|SELF_SIGNED/;

function remedyFor({ scheme }: LdapAddress, step: string, code: string): string {
  if (step === 'connect') {
    return code === 'ENOTFOUND' || code === 'EAI_AGAIN'
      ? 'Check the host name in url, and the name servers of this machine.'
      : 'Check that the server runs, host and port in url, and firewalls in between.';
  }
  if (code === 'CERT_HAS_EXPIRED') return 'The server needs a new certificate.';
  if (code === 'CERT_NOT_YET_VALID') return 'Check the clocks of the server and of this machine.';
  if (code.includes('_ALERT_'))
    return 'The server refused TLS as it was offered: it may want a client certificate (tls.certFile, tls.keyFile), or speak no TLS of version 1.2 or newer.';
  if (certificateCodes.test(code))
    return 'Give the certificate authority as tls.caFile; if the certificate bears another name, give it as tls.serverName.';
  return scheme === 'ldaps'
    ? 'Check that the port speaks LDAPS (usually 636); where it speaks plain LDAP (389), use ldap:// with startTls: true.'
    : 'Look into the log of the server: it agreed to StartTLS and then did not speak TLS.';
}
