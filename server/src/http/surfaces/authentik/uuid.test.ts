import { expect, test } from 'vitest';
import { newId, newJobId } from '../../../kernel/ids.ts';
import { idOfUuid, jobIdsOfUuid, objectOfLink, parseUuid, uuidOfId, uuidOfJob, uuidOfLink } from './uuid.ts';

test('an id and its UUID are the same number', () => {
  expect(uuidOfId(`group_${'2'.repeat(25)}6`)).toBe('00000000-0000-0000-0000-000000000001');
  for (let round = 0; round < 50; round += 1) {
    const id = newId('group');
    expect(idOfUuid('group', uuidOfId(id))).toBe(id);
    expect(objectOfLink('group', uuidOfLink(round, id), round)).toBe(id);
    expect(uuidOfLink(1, id)).not.toBe(uuidOfLink(2, id));
  }
});

test('a job lies between the ids of its UUID', () => {
  for (let round = 0; round < 50; round += 1) {
    const id = newJobId();
    const { from, through } = jobIdsOfUuid(uuidOfJob(id));
    expect(id >= from && id <= through).toBe(true);
    expect(uuidOfJob(from)).toBe(uuidOfJob(id));
    expect(uuidOfJob(through)).toBe(uuidOfJob(id));
    const other = newJobId();
    expect(other >= from && other <= through).toBe(false);
  }
});

test('what is no UUID is none', () => {
  expect(parseUuid('00000000000000000000000000000ABC')).toBe('00000000-0000-0000-0000-000000000abc');
  for (const text of ['', '1', '../x', '00000000-0000-0000-0000-00000000000g'])
    expect(parseUuid(text)).toBeUndefined();
});
