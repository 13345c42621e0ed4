import type { Agent, buildConnector } from 'undici';
import { LockstepError } from '../kernel/errors.ts';

export interface HttpTls {
  /** Authorities in PEM; absent: those that Node trusts. */
  readonly ca?: string | Buffer | undefined;
  /** false: any certificate will do, unless fingerprints are given. Default true. */
  readonly verify?: boolean | undefined;
  /** SHA-256 of accepted server certificates, in hexadecimal, colons optional; demanded on top of `verify`. */
  readonly fingerprints?: readonly string[] | undefined;
}

const connectSeconds = 30;

/**
 * Opens connections, kept for several requests, to servers whose certificates pass. The library is loaded only now: it
 * takes 30 MB, which syncs between directories and files do without.
 */
export async function makeAgent(tls: HttpTls, timeoutSeconds: number): Promise<Agent> {
  const undici = await import('undici');
  const connect = undici.buildConnector({
    rejectUnauthorized: tls.verify ?? true,
    minVersion: 'TLSv1.2',
    timeout: Math.min(timeoutSeconds, connectSeconds) * 1000,
    // A resumed session shows no certificate to compare.
    maxCachedSessions: tls.fingerprints === undefined ? 100 : 0,
    ...(tls.ca !== undefined && { ca: tls.ca }),
  });
  const milliseconds = timeoutSeconds * 1000;
  return new undici.Agent({
    allowH2: false,
    headersTimeout: milliseconds,
    bodyTimeout: milliseconds,
    connect: tls.fingerprints === undefined ? connect : checkingFingerprints(connect, tls.fingerprints),
  });
}

function checkingFingerprints(
  connect: buildConnector.connector,
  accepted: readonly string[],
): buildConnector.connector {
  const known = new Set(accepted.map(plainHex));
  return (options, callback) =>
    connect(options, (...answer) => {
      const [error, socket] = answer;
      if (error !== null) return callback(error, null);
      const found = 'getPeerCertificate' in socket ? socket.getPeerCertificate() : undefined;
      if (found?.fingerprint256 !== undefined && known.has(plainHex(found.fingerprint256)))
        return callback(null, socket);
      socket.destroy();
      const seen = found?.fingerprint256 ?? 'none';
      return callback(new UnknownFingerprint(`its certificate has the fingerprint ${seen}`), null);
    });
}

class UnknownFingerprint extends Error {
  readonly code = 'UNKNOWN_FINGERPRINT';
}

function plainHex(fingerprint: string): string {
  return fingerprint.replaceAll(/[^0-9a-f]/gi, '').toLowerCase();
}

const untrusted =
  'Give the PEM file of the authority that issued the certificate as caFile, or renew the certificate.';
const remedies: Readonly<Record<string, string>> = {
  ENOTFOUND: 'Check the host name of the address, and the name servers of this machine.',
  EAI_AGAIN: 'Check the name servers of this machine.',
  ECONNREFUSED: 'Check that the service runs, its port, and firewalls in between.',
  UND_ERR_CONNECT_TIMEOUT: 'Check the address, and firewalls in between.',
  ERR_TLS_CERT_ALTNAME_INVALID: 'Use the host name that the certificate bears.',
  UNKNOWN_FINGERPRINT: 'Check the server, then add the fingerprint to the configuration.',
};

const certificateFaults = /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|LEAF_SIGNATURE|CRL|ISSUER/;

/** The code and message that lie at the bottom of a failure: an error may wrap several, one for each address tried. */
function rootOf(error: unknown): { code: string; message: string } {
  let at = error as (NodeJS.ErrnoException & { errors?: unknown[] }) | undefined;
  for (let depth = 0; depth < 5; depth += 1) {
    const inner = at?.errors?.[0] ?? at?.cause;
    if (inner === undefined || at?.code?.startsWith('UND_ERR_CONNECT') === true) break;
    at = inner as NodeJS.ErrnoException;
  }
  return { code: at?.code ?? '', message: at?.message || at?.code || String(error) };
}

/** A failure below HTTP, as it is told to people; never with anything of the request in it. */
export function transportFailure(error: unknown, systemName: string, origin: string): LockstepError {
  if (error instanceof LockstepError) return error;
  const { code, message } = rootOf(error);
  const isTls = certificateFaults.test(code) || /^ERR_(TLS|SSL)|^EPROTO/.test(code);
  const remedy = remedies[code] ?? (isTls ? untrusted : undefined);
  const reason = isTls ? `TLS: ${message}` : message;
  return new LockstepError('ConnectionFailed', `${systemName} at ${origin} cannot be reached: ${reason}`, {
    cause: error,
    remedy,
  });
}

/** How far a request came that failed: 'unsent' may always be repeated, 'lost' only if it may be; 'hopeless' never. */
export function reach(error: unknown): 'unsent' | 'lost' | 'hopeless' {
  const { code } = rootOf(error);
  if (['ECONNREFUSED', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'].includes(code))
    return 'unsent';
  if (['ECONNRESET', 'EPIPE', 'ETIMEDOUT'].includes(code)) return 'lost';
  if (code === 'UND_ERR_SOCKET' || code.startsWith('UND_ERR_') || code.startsWith('HPE_')) return 'lost';
  return 'hopeless';
}
