// The npm client of the Meraki API behind standard input and output: one call a line in, one answer a line out.
import { createInterface } from 'node:readline';
import { Client } from './client/node_modules/@boundlessdigital/meraki-sdk/dist/index.js';

const [url, key] = process.argv.slice(2);
const client = new Client({ api_key: key, base_url: url });
for await (const line of createInterface({ input: process.stdin })) {
  const { status, data, headers } = await client.request(JSON.parse(line), 'generic');
  process.stdout.write(`${JSON.stringify({ status, data, requestId: headers?.['x-request-id'] })}\n`);
}
