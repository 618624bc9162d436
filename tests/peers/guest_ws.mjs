// Tests a server that echoes messages by a reply script with node ws: guest_ws.mjs [--compress] URL
// It must select the first subprotocol, refuse other origins with 403, ping, close with 4001 on "close
// me", and refuse messages over 2 MiB with 1009. With --compress, permessage-deflate must be agreed on.
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';

const { WebSocket } = createRequire(new URL('../../target/peers/node/', import.meta.url))('ws');

const ORIGIN = 'https://www.example.com';
const MEBIBYTE = Buffer.from(Array.from({ length: 1 << 20 }, (_, i) => (i * 31) % 251));

function fail(text) {
  console.error(text);
  process.exit(1);
}

function expect(what, got, wanted) {
  if (got !== wanted) fail(`${what}: got ${got}, expected ${wanted}`);
}

setTimeout(() => fail('not done within 20 s'), 20_000).unref();

const { values, positionals } = parseArgs({
  options: { compress: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const url = positionals[0];

async function open(options = {}) {
  const socket = new WebSocket(url, ['first', 'second'], {
    origin: ORIGIN,
    perMessageDeflate: values.compress,
    ...options,
  });
  await once(socket, 'open');
  expect('subprotocol', socket.protocol, 'first');
  expect('extensions', socket.extensions.startsWith('permessage-deflate'), values.compress);
  return socket;
}

async function expectEcho(socket, message) {
  const [data, isBinary] = await once(socket, 'message');
  expect('binary', isBinary, typeof message !== 'string');
  if (!data.equals(Buffer.from(message))) fail(`a wrong echo of ${data.length} bytes`);
}

// `once` fails on an error, which ws also emits for a message over its limit.
function closed(socket) {
  socket.on('error', () => {});
  return new Promise((resolve) => socket.on('close', (...args) => resolve(args)));
}

async function expectClose(socket, code, reason = '') {
  const [gotCode, gotReason] = await closed(socket);
  expect('close code', gotCode, code);
  expect('close reason', String(gotReason), reason);
}

// Messages, pings of both sides, and a Close of the client.
let socket = await open();
await once(socket, 'ping');
for (const message of ['héllo', '', MEBIBYTE]) {
  socket.send(message);
  await expectEcho(socket, message);
}
['one é', 'two €', 'three 😀'].forEach((part, i) => socket.send(part, { fin: i === 2 }));
await expectEcho(socket, 'one étwo €three 😀');
socket.ping('are you there');
expect('pong', String((await once(socket, 'pong'))[0]), 'are you there');
socket.close(4000, 'mine');
await expectClose(socket, 4000, 'mine');

// A Close of the server.
socket = await open();
socket.send('close me');
await expectClose(socket, 4001, 'told');

// A message over the server's limit.
socket = await open();
socket.send(Buffer.alloc(3 << 20));
await expectClose(socket, 1009);

// A message over the client's limit.
socket = await open({ maxPayload: 1000 });
socket.send('x'.repeat(1001));
await closed(socket);

// Another origin.
socket = new WebSocket(url, { origin: 'https://evil.example' });
const [, response] = await once(socket, 'unexpected-response');
expect('status', response.statusCode, 403);
console.log('ok');
process.exit(0);
