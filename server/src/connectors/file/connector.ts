import type { FileConnection } from '@lockstep/contract/connection-configuration.ts';
import type { Connector, Endpoint } from '../../sync/connector.ts';
import { isAtOrBelow, normaliseDn } from '../../directory/dn/dn.ts';
import { capabilitiesOf } from './capabilities.ts';
import { formatOf, normaliseNode, resolveSettings, type FileFormat, type FileSettings } from './config.ts';
import { defaultMapping, defaultMatch } from './mapping.ts';
import { project } from './project.ts';
import { readFile, refuseFilter } from './source.ts';
import { discardScratch, openFileTarget } from './target.ts';
import { testFile } from './testing.ts';
import { findPlaceKey } from './workspace/naming.ts';

/** LDIF (RFC 2849), CSV (RFC 4180) and JSON Lines, read and written as streams. */
export const fileConnector: Connector<FileConnection> = {
  type: 'file',
  defaultMapping: (direction, settings) => defaultMapping(direction, formatOf(settings)),
  defaultMatch,
  rootNode: (settings) => (formatOf(settings) === 'ldif' ? settings.baseDn : ''),
  tellsAccountState: (settings) => formatOf(settings) === 'ldif' && settings.disabled !== undefined,
  async open(settings, context) {
    return openEndpoint(resolveSettings(settings, context));
  },
  test: (settings, context) => testFile(settings, context),
};

function openEndpoint(settings: FileSettings): Endpoint {
  const { format } = settings;
  return {
    capabilities: capabilitiesOf(settings),
    read: (request) => readFile(settings, request),
    project: (kind, attributes, existing) => project(format, kind, attributes, existing),
    sameName: (left, right) => sameName(format, left, right),
    normaliseReference: (text) => normaliseReference(format, text),
    contains: (outer, inner) => contains(format, outer, inner),
    checkFilter: refuseFilter,
    openTarget: (options) => openFileTarget(settings, options),
    discard: (job) => discardScratch(settings, job),
    // Every read and every session closes what it opened.
    async [Symbol.asyncDispose]() {},
  };
}

function sameName(format: FileFormat, left: string, right: string): boolean {
  return left === right || (format === 'ldif' && normaliseDn(left) === normaliseDn(right));
}

function normaliseReference(format: FileFormat, text: string): string | null {
  if (format !== 'ldif') return text === '' ? null : text;
  return findPlaceKey(text) ?? null;
}

/** In CSV and JSON Lines only the file itself tells which unit lies under which; the empty node contains all. */
function contains(format: FileFormat, outer: string, inner: string): boolean {
  if (format !== 'ldif') return outer === '' || outer === inner;
  return isAtOrBelow(normaliseNode(inner, format), normaliseNode(outer, format));
}
