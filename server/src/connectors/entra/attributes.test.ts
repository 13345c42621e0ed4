import { expect, test } from 'vitest';
import { attributesOf } from './attributes.ts';

test('properties become lists of texts, whatever their names are', () => {
  const properties = {
    displayName: 'Ada',
    accountEnabled: true,
    jobTitle: null,
    employeeOrgData: { division: 'North' },
    assignedLicenses: [{ skuId: 's1', disabledPlans: [] }],
    constructor: 'x',
    '@made.for': 'job 1',
  };
  expect(attributesOf(properties)).toEqual({
    displayName: ['Ada'],
    accountEnabled: ['true'],
    'employeeOrgData.division': ['North'],
    assignedLicenses: ['s1'],
    constructor: ['x'],
  });
});
