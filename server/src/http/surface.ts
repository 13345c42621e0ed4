import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Actor } from '../app/actor.ts';
import type { Application } from '../app/application.ts';

/**
 * Whom a request acts for when it brings no credential of its own, by the tenant that it names, if any; undefined:
 * nobody, it is refused.
 */
export type DefaultActor = ((tenant?: string) => Promise<Actor>) | undefined;

/** What every surface is given. */
export interface SurfaceContext {
  readonly application: Application;
  readonly defaultActor: DefaultActor;
  /** Aborted when the server closes: ends streams. */
  readonly closing: AbortSignal;
  readonly version: string;
  readonly eiamRequestsPerSecond?: number | undefined;
  /** Where clients reach this server, `https://host`; undefined: where their requests say. */
  readonly publicUrl?: string | undefined;
}

/**
 * One API on the port: everything under its prefix, with its own way to read bodies, authenticate and render errors,
 * unknown addresses included. It translates and calls use cases, and holds no logic of its own.
 */
export interface Surface {
  readonly prefix: string;
  /** Answers what is refused before an address is looked at: then nothing of the surface has run yet. */
  readonly sendError?: (error: unknown, request: FastifyRequest, reply: FastifyReply) => Promise<void>;
  register(instance: FastifyInstance, context: SurfaceContext): void;
}
