import {
  disable,
  enable,
  failing,
  group,
  join,
  leave,
  moveTo,
  remove,
  rename,
  unit,
  update,
  user,
  type Command,
} from './commands.ts';

export interface Transition {
  readonly name: string;
  /** Done and checked first. */
  readonly given: readonly Command[];
  readonly when: readonly Command[];
  /** Only for targets that can mark a user as disabled. */
  readonly needsDisable?: true;
  /** Not to be repeated as recovery: what must fail here would rightly be taken for the operation that was meant. */
  readonly once?: true;
}

/** The start of a JPEG: bytes that are no UTF-8. */
const photo = Buffer.from([
  0xff, 0xd8, 0xff, 0xe0, 0x00, 0x10, 0x4a, 0x46, 0x49, 0x46, 0x00, 0x01, 0xff, 0xd9,
]);
const oddNames = [
  'Smith, John',
  '#x',
  ' blank before',
  'blank after ',
  'a+b',
  '"q"',
  'one/two',
  'a=b',
  'a\\b',
  '<x>;y',
  '山田 太郎',
  'Ünal Çelik',
];
const crowd = Array.from({ length: 1200 }, (_, index) => `m${String(index).padStart(4, '0')}`);

export const transitions: readonly Transition[] = [
  {
    name: 'creates a user',
    given: [],
    when: [user('jdoe', { givenName: 'Jane', mail: 'jdoe@example.com' })],
  },
  { name: 'creates an organizational unit', given: [], when: [unit('Sales', { description: 'They sell.' })] },
  {
    name: 'creates a group without members',
    given: [],
    when: [group('staff', { description: 'everybody' })],
  },
  {
    name: 'creates a tree',
    given: [],
    when: [
      unit('Sales'),
      unit('North', {}, 'Sales'),
      user('jdoe', {}, 'North'),
      group('team', {}, 'North'),
      join('team', 'jdoe'),
    ],
  },
  {
    name: 'keeps UTF-8',
    given: [],
    when: [
      user('rene', {
        commonName: 'René Müller',
        familyName: 'Müller',
        title: '主任 🚀',
        description: 'naïve — “quoted”',
      }),
    ],
  },
  {
    name: `takes the names ${oddNames.join(' | ')} for every kind`,
    given: [],
    when: [
      ...oddNames.map((name, index) => unit(`unit${index}`, { name })),
      ...oddNames.map((name, index) =>
        user(`user${index}`, { username: name, commonName: name }, `unit${index}`),
      ),
      ...oddNames.map((name, index) => group(`group${index}`, { name: `${name}.` }, `unit${index}`)),
      ...oddNames.map((_, index) => join(`group${index}`, `user${index}`)),
    ],
  },
  {
    name: 'renames to odd names and back',
    given: oddNames.map((_, index) => user(`user${index}`)),
    when: [
      ...oddNames.map((name, index) => rename(`user${index}`, { username: name })),
      ...oddNames.slice(1).map((_, index) => rename(`user${index}`, { username: `again${index}` })),
    ],
  },
  {
    name: 'keeps several values of one attribute',
    given: [],
    when: [
      user('jdoe', {
        mail: ['a@example.com', 'b@example.com', 'c|d@example.com'],
        phoneNumber: ['+1 1', '+1 2'],
      }),
    ],
  },
  {
    name: 'keeps awkward texts',
    given: [],
    when: [
      user('jdoe', {
        description: [
          ' blanks around ',
          'two\nlines',
          ': colon',
          '< less',
          'base64:YQ==',
          'a\\|b',
          'x'.repeat(5000),
        ],
      }),
    ],
  },
  { name: 'keeps bytes', given: [], when: [user('jdoe', { photo })] },
  {
    name: 'updates one attribute',
    given: [user('jdoe', { title: 'clerk', mail: 'j@example.com' })],
    when: [update('jdoe', { title: 'boss' })],
  },
  {
    name: 'updates many attributes at once',
    given: [user('jdoe', { title: 'clerk', mail: ['a@example.com', 'b@example.com'], mobile: '1' })],
    when: [
      update('jdoe', {
        title: 'boss',
        mail: ['b@example.com', 'c@example.com'],
        mobile: [],
        givenName: 'Jane',
        photo,
      }),
    ],
  },
  {
    name: 'removes an attribute',
    given: [user('jdoe', { title: 'clerk', mobile: '1' })],
    when: [update('jdoe', { mobile: [] })],
  },
  {
    name: 'updates an organizational unit and a group',
    given: [unit('Sales'), group('staff', { description: 'old' })],
    when: [update('Sales', { description: 'new' }), update('staff', { description: 'new' })],
  },
  {
    name: 'renames a user',
    given: [user('jdoe', { title: 'clerk' })],
    when: [rename('jdoe', { username: 'jane' })],
  },
  {
    name: 'renames a user and changes an attribute',
    given: [user('jdoe', { title: 'clerk' })],
    when: [rename('jdoe', { username: 'jane, doe', title: 'boss' })],
  },
  {
    name: 'renames a user who is a member',
    given: [user('jdoe'), user('other'), group('staff'), join('staff', 'jdoe'), join('staff', 'other')],
    when: [rename('jdoe', { username: 'jane' })],
  },
  {
    name: 'changes the case of a name only',
    given: [unit('sales'), user('jdoe', {}, 'sales')],
    when: [rename('sales', { name: 'Sales' })],
  },
  {
    name: 'renames an organizational unit with all that is in it',
    given: [
      unit('Sales'),
      unit('North', {}, 'Sales'),
      user('jdoe', {}, 'North'),
      group('team', {}, 'Sales'),
      join('team', 'jdoe'),
    ],
    when: [rename('Sales', { name: 'Sales, World' })],
  },
  {
    name: 'renames a group',
    given: [user('jdoe'), group('staff'), join('staff', 'jdoe')],
    when: [rename('staff', { name: 'employees' })],
  },
  { name: 'renames an empty group', given: [group('staff')], when: [rename('staff', { name: 'employees' })] },
  { name: 'moves a user', given: [unit('A'), unit('B'), user('jdoe', {}, 'A')], when: [moveTo('jdoe', 'B')] },
  {
    name: 'moves a user to the node',
    given: [unit('A'), user('jdoe', {}, 'A')],
    when: [moveTo('jdoe', null)],
  },
  {
    name: 'moves and renames a user who is a member',
    given: [unit('A'), unit('B'), user('jdoe', {}, 'A'), group('staff'), join('staff', 'jdoe')],
    when: [moveTo('jdoe', 'B', { username: 'jane' })],
  },
  {
    name: 'moves an organizational unit with children',
    given: [
      unit('A'),
      unit('B'),
      unit('C', {}, 'A'),
      unit('D', {}, 'C'),
      user('jdoe', {}, 'D'),
      group('team', {}, 'C'),
      join('team', 'jdoe'),
    ],
    when: [moveTo('C', 'B')],
  },
  {
    name: 'swaps two names by way of a third',
    given: [user('one'), user('two')],
    when: [
      rename('one', { username: 'three' }),
      rename('two', { username: 'one' }),
      rename('one', { username: 'two' }),
    ],
  },
  {
    name: 'swaps two names at once, also in the groups',
    given: [
      user('one', { title: 'a' }),
      user('two', { title: 'b' }),
      group('first'),
      group('both'),
      join('first', 'one'),
      join('both', 'one'),
      join('both', 'two'),
    ],
    when: [rename('one', { username: 'two' }), rename('two', { username: 'one' })],
  },
  {
    name: 'turns three names in a circle, across units, and refuses one that is taken by somebody else',
    given: [
      unit('A'),
      unit('B'),
      user('one', { title: '1' }, 'A'),
      user('two', { title: '2' }, 'B'),
      user('three', { title: '3' }),
      user('four'),
      user('five'),
    ],
    when: [
      moveTo('one', 'B', { username: 'two' }),
      failing(rename('four', { username: 'five' })),
      moveTo('two', null, { username: 'three' }),
      moveTo('three', 'A', { username: 'one' }),
    ],
  },
  {
    name: 'takes a name over that its owner gives up afterwards',
    given: [user('one', { title: '1' }), user('two', { title: '2' }), user('three', { title: '3' })],
    when: [
      rename('one', { username: 'two' }),
      rename('two', { username: 'three' }),
      rename('three', { username: 'four' }),
    ],
  },
  {
    name: 'swaps two organizational units with what is in them',
    given: [
      unit('A'),
      unit('B'),
      user('one', {}, 'A'),
      user('two', {}, 'B'),
      group('team', {}, 'B'),
      join('team', 'one'),
    ],
    when: [rename('A', { name: 'B' }), rename('B', { name: 'A' })],
  },
  { name: 'adds the first member', given: [user('jdoe'), group('staff')], when: [join('staff', 'jdoe')] },
  {
    name: 'removes the last member',
    given: [user('jdoe'), group('staff'), join('staff', 'jdoe')],
    when: [leave('staff', 'jdoe')],
  },
  {
    name: 'replaces the only member',
    given: [user('one'), user('two'), group('staff'), join('staff', 'one')],
    when: [leave('staff', 'one'), join('staff', 'two')],
  },
  {
    name: 'holds 1,200 members',
    given: [group('staff'), ...crowd.map((key) => user(key))],
    when: crowd.map((key) => join('staff', key)),
  },
  {
    name: 'nests groups',
    given: [user('jdoe'), group('inner'), group('outer'), join('inner', 'jdoe')],
    when: [join('outer', 'inner')],
  },
  {
    name: 'takes a nested group out',
    given: [group('inner'), group('outer'), user('jdoe'), join('outer', 'inner'), join('outer', 'jdoe')],
    when: [leave('outer', 'inner')],
  },
  { name: 'disables a user', given: [user('jdoe')], when: [disable('jdoe')], needsDisable: true },
  {
    name: 'enables a user',
    given: [user('jdoe')],
    when: [disable('jdoe'), enable('jdoe')],
    needsDisable: true,
  },
  { name: 'deletes a user', given: [user('jdoe'), user('other')], when: [remove('jdoe')] },
  {
    name: 'deletes a tree from below',
    given: [
      unit('A'),
      unit('B', {}, 'A'),
      user('jdoe', {}, 'B'),
      group('team', {}, 'B'),
      join('team', 'jdoe'),
    ],
    when: [leave('team', 'jdoe'), remove('team'), remove('jdoe'), remove('B'), remove('A')],
  },
  {
    name: 'refuses to delete what has children, and goes on',
    given: [unit('A'), user('jdoe', {}, 'A'), user('other'), user('gone')],
    when: [failing(remove('A')), update('other', { title: 'boss' }), remove('gone')],
  },
  {
    name: 'goes on after a change that fails',
    given: [user('one'), user('two')],
    when: [
      user('three'),
      update('one', { title: 'a' }),
      failing(update('ghost', { title: 'b' })),
      update('two', { title: 'c' }),
      user('four'),
    ],
  },
  {
    name: 'refuses a name that is taken, and goes on',
    given: [user('one')],
    when: [failing(user('second', { username: 'one', title: 'thief' })), user('three')],
    once: true,
  },
  {
    name: 'refuses to rename to a name that is taken, and goes on',
    given: [user('one'), user('two')],
    when: [failing(rename('two', { username: 'one' })), update('one', { title: 'a' })],
  },
  {
    name: 'makes anew what was deleted',
    given: [user('jdoe', { title: 'old' }), user('other')],
    when: [remove('jdoe'), user('jdoe', { title: 'new' })],
    once: true,
  },
];
