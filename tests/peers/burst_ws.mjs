// Opens many connections at once with node ws, and sends a message on each: burst_ws.mjs URL NUMBER
// Each must get its own echo. All of them are open at the same time.
import { createRequire } from 'node:module';

const { WebSocket } = createRequire(new URL('../../target/peers/node/', import.meta.url))('ws');

const [url, number] = [process.argv[2], Number(process.argv[3])];

function fail(text) {
  console.error(text);
  process.exit(1);
}

setTimeout(() => fail('not done within 60 s'), 60_000).unref();

function open(i) {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, { handshakeTimeout: 60_000 });
    socket.on('error', (error) => fail(`client ${i}: ${error.message}`));
    socket.on('close', (code) => fail(`client ${i}: closed early with ${code}`));
    socket.on('open', () => socket.send(`from ${i}`));
    socket.on('message', (data) => {
      if (String(data) !== `from ${i}`) fail(`client ${i}: got ${data}`);
      resolve(socket);
    });
  });
}

const sockets = await Promise.all(Array.from({ length: number }, (_, i) => open(i)));
await Promise.all(
  sockets.map(
    (socket) =>
      new Promise((resolve) => {
        socket.removeAllListeners('close');
        socket.on('close', (code) => (code === 1000 ? resolve() : fail(`closed with ${code}`)));
        socket.close(1000);
      }),
  ),
);
console.log('ok');
