import { expect, test } from 'vitest';
import { brief } from '../workbench.ts';
import { describeWorlds, told } from './world.ts';

describeWorlds('ingress', (makeWorld) => {
  test('brings a tree with nested groups, and finds it equal in the next run', async () => {
    const world = await makeWorld();
    const corp = await world.system('corp');
    corp.tree.add('/ou=people');
    corp.tree.add('/ou=people/ou=remote', { description: ['far', 'away'] });
    corp.tree.add('/ou=people/uid=ann', { mail: ['ann@x.org', 'a@x.org'] });
    corp.tree.add('/ou=people/ou=remote/uid=bob');
    corp.tree.add('/uid=cid');
    corp.tree.add('/cn=all', {}, ['/ou=people/uid=ann', '/cn=some']);
    corp.tree.add('/cn=some', {}, ['/ou=people/ou=remote/uid=bob', '/uid=cid']);
    await world.ingress('corp');
    const first = await world.run('corp-in');
    expect(first.status).toBe('success');
    expect(brief(first.statistics)).toEqual({
      'organizationalUnit created': '2/0/0',
      'user created': '3/0/0',
      'group created': '2/0/0',
      'membership created': '4/0/0',
    });
    expect(await world.directory()).toEqual(corp.tree.snapshot());
    corp.forgetCounts();
    const second = await world.run('corp-in');
    expect(brief(second.statistics)).toEqual({
      'organizationalUnit same': '2/0/0',
      'user same': '3/0/0',
      'group same': '2/0/0',
      'membership same': '4/0/0',
    });
    expect(corp.decodes).toBe(0);
    expect(await told(world, second)).toEqual([]);
  });

  test('says which attributes its own rules look for in vain, once', async () => {
    const world = await makeWorld();
    const corp = await world.system('corp');
    corp.tree.add('/uid=ann', { mail: ['ann@x.org'], telephoneNumber: ['1'], title: ['Dr.'] });
    corp.tree.add('/uid=bob', { mail: ['bob@x.org'] });
    corp.tree.add('/cn=all', {}, ['/uid=ann']);
    await world.ingress('corp', {
      match: { user: ['mail', 'employeeNumber'] },
      map: {
        user: {
          phoneNumber: ['mobile', 'telefonNumber'],
          title: 'TITLE',
          mail: { cel: 'source.mial[0]' },
        },
      },
    });
    const said = [
      'no user has a value for employeeNumber, which the match rule employeeNumber reads',
      'no user has a value for mial, which the mapping of mail reads. Did you mean mail?',
      'no user has a value for mobile, which the mapping of phoneNumber reads',
      'no user has a value for telefonNumber, which the mapping of phoneNumber reads. Did you mean telephoneNumber?',
    ];
    expect((await world.messages((await world.run('corp-in', 'dryRun')).id)).toSorted()).toEqual(said);
    expect((await world.messages((await world.run('corp-in')).id)).toSorted()).toEqual(said);
    corp.tree.add('/uid=cid');
    expect(await world.messages((await world.run('corp-in')).id)).toEqual([]);
  });
});
