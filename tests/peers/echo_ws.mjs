// An echo server, with node ws. Prints its port and runs until stdin ends.
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';

const { WebSocketServer } = createRequire(new URL('../../target/peers/node/', import.meta.url))('ws');

// parseArgs supports no option with two values, so the key is the positional argument.
const { values, positionals } = parseArgs({
  options: {
    compress: { type: 'boolean', default: false },
    subprotocol: { type: 'string' },
    tls: { type: 'string' },
  },
  allowPositionals: true,
});

const server = values.tls
  ? https.createServer({ cert: readFileSync(values.tls), key: readFileSync(positionals[0]) })
  : http.createServer();

const sockets = new WebSocketServer({
  server,
  // The client decides, and short messages are compressed too.
  perMessageDeflate: values.compress && { threshold: 0 },
  handleProtocols: (offered) => offered.has(values.subprotocol) && values.subprotocol,
  maxPayload: 0,
  maxFragments: 0,
  maxBufferedChunks: 0,
});

sockets.on('connection', (socket) => {
  socket.on('message', (data, binary) => socket.send(data, { binary }));
  socket.on('error', (error) => console.error(error.message));
});

server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('end', () => process.exit()).resume();
