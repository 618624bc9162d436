// A server, with node ws, that echoes and ends sessions on demand. Prints its port and runs until stdin
// ends. The texts "close me" and "abort me" end the session; "how" is answered with the code and reason
// by which the session before it ended.
import http from 'node:http';
import { createRequire } from 'node:module';

const { WebSocketServer } = createRequire(new URL('../../target/peers/node/', import.meta.url))('ws');

const server = http.createServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: { threshold: 0 } });
let previous = Promise.resolve('none');

sockets.on('connection', (socket) => {
  const before = previous;
  previous = new Promise((resolve) => {
    socket.on('close', (code, reason) => resolve(`${code} ${reason}`.trim()));
  });
  socket.on('error', () => {});
  socket.on('message', async (data, binary) => {
    const text = binary ? '' : String(data);
    if (text === 'close me') socket.close(4002, 'told');
    else if (text === 'abort me') socket.terminate();
    else socket.send(text === 'how' ? await before : data, { binary });
  });
});

server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('end', () => process.exit()).resume();
