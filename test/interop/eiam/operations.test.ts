import { expect, test } from 'vitest';
import { operationTable } from '../../../server/src/http/surfaces/eiam/operation-table.ts';
import { responseShapes } from './check-response.ts';

test('the operations are those of the document, each once', () => {
  expect([...operationTable.keys()].toSorted()).toEqual(Object.keys(responseShapes).toSorted());
});
