/**
 * The time after which a job of a killed worker is taken over on a server: the heartbeat (the shortest that pg-boss
 * takes), at most a second until its absence is seen, and at most half a second until a worker looks: 10 to 12 s.
 */
export const heartbeatSeconds = 10;

export const queueSettings = {
  heartbeatSeconds,
  // A job fails by its own record; for the queue it is only ever unfinished.
  retryLimit: 1_000_000,
  retryDelay: 0,
  // The longest that pg-boss allows. The heartbeat tells a dead worker from a long job.
  expireInSeconds: 24 * 3600 - 1,
  retentionSeconds: 30 * 24 * 3600,
  deleteAfterSeconds: 24 * 3600,
  notify: true,
};

export const serverSettings = { superviseIntervalSeconds: 1, monitorIntervalSeconds: 1 } as const;
// One process alone has no other to watch.
export const embeddedSettings = { superviseIntervalSeconds: 60, monitorIntervalSeconds: 60 } as const;

/**
 * NOTIFY wakes a worker for a new job within milliseconds; it is silent about a job that is to be repeated, which
 * polling finds.
 */
export function workSettings(engine: 'embedded' | 'server') {
  const seconds = engine === 'server' ? 0.5 : 1;
  return { batchSize: 1, pollingIntervalSeconds: seconds, notifyPollingIntervalSeconds: seconds };
}
