import { z } from 'zod';
import { objectChangeSchema } from './change.ts';
import {
  directoryObjectDetailSchema,
  directoryObjectSchema,
  directorySegmentSchema,
  memberSchema,
} from './directoryObject.ts';
import { pageOf, pageQuery } from './page.ts';
import type { Route } from './route.ts';

const objectParams = z.object({
  kind: directorySegmentSchema,
  object: z.string().min(1).max(4000).describe('Id, path (`/Sales/jdoe`, encoded), or user name of a user.'),
});

/** Objects of the directory. */
export const directoryRoutes = {
  listDirectory: {
    method: 'GET',
    path: '/directory/{kind}',
    summary: 'List the objects of a kind, by id',
    tag: 'directory',
    role: 'reader',
    params: z.object({ kind: directorySegmentSchema }),
    query: z.strictObject({
      ...pageQuery,
      path: z
        .string()
        .max(4000)
        .optional()
        .describe('Objects right in the organizational unit with this path.'),
      parentId: z
        .string()
        .max(100)
        .optional()
        .describe('Objects right in the organizational unit with this id.'),
      prefix: z.string().max(200).optional().describe('Beginning of the user name or name.'),
    }),
    status: 200,
    response: pageOf(directoryObjectSchema),
    errors: ['NotFound'],
  },
  getDirectoryObject: {
    method: 'GET',
    path: '/directory/{kind}/{object}',
    summary: 'Show an object with its links and where its values come from',
    tag: 'directory',
    role: 'reader',
    params: objectParams,
    status: 200,
    response: directoryObjectDetailSchema,
    errors: ['NotFound'],
  },
  listMembers: {
    method: 'GET',
    path: '/directory/{kind}/{object}/members',
    summary: 'List the members of a group',
    tag: 'directory',
    role: 'reader',
    params: objectParams,
    query: z.strictObject(pageQuery),
    status: 200,
    response: pageOf(memberSchema),
    errors: ['NotFound', 'InvalidRequest'],
  },
  listMemberships: {
    method: 'GET',
    path: '/directory/{kind}/{object}/memberships',
    summary: 'List the groups that a user or group is a direct member of',
    tag: 'directory',
    role: 'reader',
    params: objectParams,
    query: z.strictObject(pageQuery),
    status: 200,
    response: pageOf(memberSchema),
    errors: ['NotFound', 'InvalidRequest'],
  },
  listObjectChanges: {
    method: 'GET',
    path: '/directory/{kind}/{object}/changes',
    summary: 'The history of one object: every change of it in any job, newest first',
    tag: 'directory',
    role: 'reader',
    params: objectParams,
    query: z.strictObject(pageQuery),
    status: 200,
    response: pageOf(objectChangeSchema),
    errors: ['NotFound'],
  },
} as const satisfies Record<string, Route>;
