// Sends texts with node ws and prints what is received, one line a message, then the code and reason of
// the end: teller_ws.mjs [--compress] URL COUNT END TEXT... After COUNT messages it closes with 4002 if
// END is "close", ends TCP if it is "abort", and waits for the server if it is "wait". A violation of the
// server is the end "sent CODE", the code with which it was answered. stderr gets the milliseconds from
// sending until the first message was received.
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';

const { WebSocket } = createRequire(new URL('../../target/peers/node/', import.meta.url))('ws');

setTimeout(() => process.exit(1), 10_000).unref();

const { values, positionals } = parseArgs({
  options: { compress: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const [url, count, end, ...texts] = positionals;
const socket = new WebSocket(url, { perMessageDeflate: values.compress && { threshold: 0 } });
let violation = '';
let received = 0;
let sentAt = 0;

function finish() {
  if (end === 'close') socket.close(4002, 'mine');
  if (end === 'abort') socket.terminate();
}

socket.on('message', (data) => {
  console.log(String(data));
  if (received === 0) console.error(Math.round(performance.now() - sentAt));
  received += 1;
  if (received === Number(count)) finish();
});
socket.on('error', ({ code }) => {
  if (code?.startsWith('WS_ERR_INVALID_UTF8')) violation = 'sent 1007';
});
const closed = new Promise((resolve) => socket.on('close', (...args) => resolve(args)));
await once(socket, 'open');
sentAt = performance.now();
for (const text of texts) socket.send(text);
if (count === '0') finish();
const [code, reason] = await closed;
console.log(violation || `${code} ${reason}`.trim());
