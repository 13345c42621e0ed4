import { Client, type SearchOptions } from 'ldapts';
import { measureReader } from './measure.ts';

await measureReader(async ({ url, bindDn, password, base, attributes, pageSize }) => {
  const client = new Client({ url });
  await client.bind(bindDn, password);
  return {
    async read() {
      let entries = 0;
      const options: SearchOptions = {
        scope: 'sub',
        filter: '(objectClass=*)',
        attributes: [...attributes],
        paged: { pageSize },
      };
      for await (const page of client.searchPaginated(base, options)) entries += page.searchEntries.length;
      return entries;
    },
    close: async () => client.unbind(),
  };
});
