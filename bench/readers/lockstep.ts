import { connectLdap } from '../../server/src/connectors/ldap/protocol/client/client.ts';
import { measureReader } from './measure.ts';

await measureReader(async ({ url, bindDn, password, base, attributes, pageSize }) => {
  const client = await connectLdap({ url, bind: { method: 'simple', dn: bindDn, password } });
  return {
    async read() {
      let entries = 0;
      const search = client.search({ base, scope: 'sub', filter: '(objectClass=*)', attributes, pageSize });
      for await (const batch of search.batches()) {
        for (const item of batch) if (item.type === 'entry' && item.entry.decode().dn !== '') entries += 1;
      }
      await search.done;
      return entries;
    },
    close: async () => client.unbind(),
  };
});
