// Tests an echo server with node ws: client_ws.mjs [--compress] URL
// With --compress, the server must agree to permessage-deflate for several windows, with and without
// context takeover.
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';

const { WebSocket } = createRequire(new URL('../../target/peers/node/', import.meta.url))('ws');

const MESSAGES = [
  '',
  'hello',
  'aé€😀'.repeat(17_500),
  Buffer.alloc(0),
  Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 31) % 251)),
];
const WINDOWS = [9, 10, 12, 15];
const FRAGMENTS = ['one é', 'two €', 'three 😀'];

function fail(text) {
  console.error(text);
  process.exit(1);
}

function expect(what, got, wanted) {
  if (got !== wanted) fail(`${what}: got ${got}, expected ${wanted}`);
}

function closedEarly(code) {
  fail(`closed early with ${code}`);
}

function brief(data, binary) {
  return `${binary ? 'binary' : 'text'} of ${data.length} bytes: ${data.toString(binary ? 'hex' : 'utf8').slice(0, 40)}`;
}

async function expectEcho(socket, message) {
  const [data, binary] = await once(socket, 'message');
  const wanted = Buffer.from(message);
  const what = brief(wanted, typeof message !== 'string');
  if (binary !== (typeof message !== 'string') || !data.equals(wanted)) {
    fail(`echo of ${what}: got ${brief(data, binary)}`);
  }
}

setTimeout(() => fail('not done within 10 s'), 10_000).unref();

async function talk(url, perMessageDeflate) {
  const socket = new WebSocket(url, {
    perMessageDeflate,
    maxPayload: 0,
    maxFragments: 0,
    maxBufferedChunks: 0,
  });
  socket.on('error', (error) => fail(error.message));
  socket.on('close', closedEarly);
  await once(socket, 'open');
  expect('extensions', socket.extensions !== '', perMessageDeflate !== false);

  for (const message of MESSAGES) {
    socket.send(message);
    await expectEcho(socket, message);
  }

  FRAGMENTS.forEach((part, i) => socket.send(part, { fin: i === FRAGMENTS.length - 1 }));
  await expectEcho(socket, FRAGMENTS.join(''));

  socket.ping('are you there');
  expect('pong', String((await once(socket, 'pong'))[0]), 'are you there');

  socket.off('close', closedEarly);
  socket.close(1000, 'done');
  expect('close code', (await once(socket, 'close'))[0], 1000);
}

function deflate(bits, forgets) {
  return {
    threshold: 0,
    serverMaxWindowBits: bits,
    clientMaxWindowBits: bits,
    serverNoContextTakeover: forgets,
    clientNoContextTakeover: forgets,
  };
}

const { values, positionals } = parseArgs({
  options: { compress: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const url = positionals[0];
if (values.compress) {
  for (const bits of WINDOWS) {
    for (const forgets of [false, true]) await talk(url, deflate(bits, forgets));
  }
} else {
  await talk(url, false);
}
console.log('ok');
