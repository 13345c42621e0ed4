import { describe, expect, it } from 'vitest';
import { renderGuard } from './guard-report.ts';

const held: Omit<Parameters<typeof renderGuard>[0], 'heldPlan'> = {
  id: 'sync_held',
  mode: 'apply',
  status: 'held',
  guard: {
    tripped: true,
    hold: 'destructive',
    findings: [{ kind: 'user', loss: 'blanked', destructive: 9, linked: 10, sentence: 'too many' }],
  },
};
const at = '2026-01-01T00:00:00.000Z';

describe('the end of a held plan, in the report of its job', () => {
  it('is how to approve it while it waits', () => {
    const heldPlan = { state: 'waiting', jobId: null, account: null, at: null } as const;
    expect(renderGuard({ ...held, heldPlan }, ' --data x').at(-1)).toBe(
      'To apply it: bin/lockstep jobs approve sync_held --data x',
    );
  });

  it('is who approved it, and which job applies it', () => {
    const heldPlan = { state: 'approved', jobId: 'sync_next', account: 'ann', at } as const;
    expect(renderGuard({ ...held, heldPlan }, ' --data x').at(-1)).toBe(
      'Approved by ann: job sync_next applies it.',
    );
  });

  it('is which newer run took its place', () => {
    const heldPlan = { state: 'superseded', jobId: 'sync_next', account: null, at } as const;
    expect(renderGuard({ ...held, heldPlan }, ' --data x').at(-1)).toBe(
      'Superseded by a newer run of the sync: job sync_next.',
    );
    expect(renderGuard({ ...held, heldPlan: { ...heldPlan, account: 'bob' } }, ' --data x').at(-1)).toBe(
      'Superseded by a newer run of the sync, started by bob: job sync_next.',
    );
  });
});
