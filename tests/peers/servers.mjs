// Servers that refuse or end sessions as ordinary ones do. Takes the name of one, prints its port and
// runs until stdin ends. `situations.jsonl` has the paths and what each leads to.
import http from 'node:http';
import { createRequire } from 'node:module';

const require = createRequire(new URL('../../target/peers/node/', import.meta.url));
const { WebSocketServer } = require('ws');

const echo = (socket) => {
  socket.on('message', (data, binary) => socket.send(data, { binary }));
  socket.on('error', () => {});
};

const pathOf = (request) => new URL(request.url, 'ws://host').pathname;

// Servers and handlers of ws, selected by the path.
const ws = () => {
  const server = http.createServer((request, response) => {
    response.statusCode = request.url === '/' ? 200 : 404;
    response.end(request.url === '/' ? '<title>Home</title>Hello' : 'Not found');
  });
  const at = {
    '/echo': new WebSocketServer({ noServer: true }),
    '/origin': new WebSocketServer({
      noServer: true,
      verifyClient: ({ origin }, done) =>
        done(origin === 'https://app.example', 403, 'Origin not allowed'),
    }),
    '/client': new WebSocketServer({ noServer: true, verifyClient: () => false }),
    '/token': new WebSocketServer({
      noServer: true,
      verifyClient: (_, done) => done(false, 401, 'Token required'),
    }),
    '/full': new WebSocketServer({
      noServer: true,
      verifyClient: (_, done) => done(false, 503, 'Too many connections', { 'Retry-After': 5 }),
    }),
    // Accepts only an offer with client_max_window_bits.
    '/window': new WebSocketServer({
      noServer: true,
      perMessageDeflate: { clientMaxWindowBits: 10 },
    }),
    '/limit': new WebSocketServer({ noServer: true, maxPayload: 10 }),
    '/subprotocol': new WebSocketServer({ noServer: true, handleProtocols: () => false }),
  };
  const ends = {
    '/policy': (socket) => socket.close(1008),
    '/path': (socket) => socket.close(4404, 'No such room'),
    '/session': (socket) => socket.close(4401, 'Session expired'),
    '/bare': (socket) => socket.close(),
    '/failure': (socket) => socket.close(1011),
    '/restart': (socket) => socket.close(1012),
    '/login': (socket) => socket.on('message', () => socket.close(4001, 'Not authenticated')),
    '/json': (socket) =>
      socket.on('message', (data) => {
        try {
          JSON.parse(data);
        } catch (error) {
          // As Node.js 20 says it; others have other words.
          const words = error.message.replace(/^Unexpected token h in JSON.*/, `Unexpected token 'h', "hi" is not valid JSON`);
          socket.close(1007, words);
        }
      }),
    '/binary': (socket) =>
      socket.on('message', (_, binary) => binary || socket.close(1003, 'Binary messages only')),
    '/busy': (socket) => socket.on('message', () => socket.close(1013, 'Rate limit exceeded')),
    '/crash': (socket) => socket.on('message', () => socket.terminate()),
    '/idle': (socket) => setTimeout(() => socket.terminate(), 6000),
    '/stray': (socket) => socket._socket.write('upgraded\n'),
    '/http': (socket) => socket._socket.write('HTTP/1.1 404 Not Found\r\n\r\n'),
  };
  const all = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, stream, head) => {
    const path = pathOf(request);
    if (path === '/destroy') return stream.destroy();
    if (path === '/silence') return;
    if (at[path]) return at[path].handleUpgrade(request, stream, head, echo);
    const end = ends[path];
    if (end) {
      return all.handleUpgrade(request, stream, head, (socket) => {
        socket.on('error', () => {});
        end(socket);
      });
    }
    stream.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  });
  return server;
};

// The option `path` of ws.
const ws_path = () => {
  const server = http.createServer();
  new WebSocketServer({ server, path: '/ws' }).on('connection', echo);
  return server;
};

// Two servers of ws on one HTTP server, which both answer each upgrade.
const ws_twice = () => {
  const server = http.createServer();
  new WebSocketServer({ server, path: '/a' }).on('connection', echo);
  new WebSocketServer({ server, path: '/b' }).on('connection', echo);
  return server;
};

const node_http = () =>
  http.createServer((request, response) => {
    response.statusCode = request.url === '/' ? 200 : 404;
    response.end(request.url === '/' ? '<title>Home</title>Hello' : 'Not found');
  });

const socket_io = (options = {}) => {
  const server = http.createServer();
  const { Server } = require('socket.io');
  const io = new Server(server, options);
  io.of('/private').use((_, next) => next(new Error('token required')));
  return server;
};

const socket_io_origin = () =>
  socket_io({
    allowRequest: (request, done) =>
      done('origin not allowed', request.headers.origin === 'https://app.example'),
  });

// Refuses for a reason that it does not give.
const socket_io_refusing = () => socket_io({ allowRequest: (_, done) => done(null, false) });

// Pings often, and echoes the event `message`.
const socket_io_pings = () => {
  const server = http.createServer();
  const { Server } = require('socket.io');
  const io = new Server(server, { pingInterval: 300, pingTimeout: 1000 });
  io.on('connection', (socket) => socket.on('message', (...data) => socket.emit('message', ...data)));
  return server;
};

const socket_io_polling = () => socket_io({ transports: ['polling'] });

const sockjs = () => {
  const server = http.createServer();
  const service = require('sockjs').createServer({ log: () => {} });
  service.on('connection', (session) => session.on('data', (text) => session.write(text)));
  service.installHandlers(server, { prefix: '/echo' });
  return server;
};

const graphql_schema = () => {
  const { buildSchema } = require('graphql');
  return buildSchema('type Query { a: Int } type Subscription { b: Int }');
};

const graphql_ws = (options = {}) => {
  const { useServer } = require('graphql-ws/use/ws');
  const server = http.createServer();
  const sockets = new WebSocketServer({ server, path: '/graphql' });
  useServer({ schema: graphql_schema(), connectionInitWaitTimeout: 1500, ...options }, sockets);
  return server;
};

const graphql_ws_token = () => graphql_ws({ onConnect: () => false });

const subscriptions_transport_ws = () => {
  const { SubscriptionServer } = require('subscriptions-transport-ws');
  const { execute, subscribe } = require('graphql');
  const server = http.createServer((_, response) => {
    response.statusCode = 404;
    response.end();
  });
  SubscriptionServer.create(
    { schema: graphql_schema(), execute, subscribe },
    { server, path: '/graphql' },
  );
  return server;
};

// A proxy in front of a port where nothing listens.
const http_proxy = () => {
  const proxy = require('http-proxy').createProxyServer({ target: 'http://127.0.0.1:9' });
  const server = http.createServer((request, response) => proxy.web(request, response));
  proxy.on('error', (_error, _request, stream) => stream.destroy());
  server.on('upgrade', (request, stream, head) => proxy.ws(request, stream, head));
  return server;
};

const express = () => {
  const app = require('express')();
  app.get('/', (_, response) => response.send('<title>App</title>Hello'));
  app.get('/ws', (_, response) => response.json({ ok: true }));
  return http.createServer(app);
};

const express_ws = () => {
  const app = require('express')();
  const server = http.createServer(app);
  require('express-ws')(app, server);
  app.ws('/ws', echo);
  app.get('/page', (_, response) => response.send('Hello'));
  app.ws('/private', (socket) => socket.close(1008, 'Unauthorized'));
  return server;
};

const fastify = async () => {
  const app = require('fastify')();
  await app.register(require('@fastify/websocket'));
  app.get('/ws', { websocket: true }, echo);
  app.get('/page', async () => ({ hello: 'world' }));
  app.get('/private', {
    websocket: true,
    preValidation: async (_, reply) => {
      await reply.code(401).send({ error: 'Unauthorized', message: 'missing token' });
    },
    handler: echo,
  });
  app.get('/throws', { websocket: true }, (socket) => {
    socket.on('message', () => socket.terminate());
  });
  await app.ready();
  return app.server;
};

// npm's `websocket`.
const websocket = () => {
  const server = http.createServer((_, response) => {
    response.statusCode = 404;
    response.end();
  });
  const { server: WebSocketServer1 } = require('websocket');
  new WebSocketServer1({ httpServer: server }).on('request', (request) => {
    const path = pathOf(request.httpRequest);
    if (path === '/origin') return request.reject(403, 'Origin not allowed');
    if (path === '/plain') return request.reject();
    if (path === '/token') return request.reject(401);
    if (path === '/subprotocol' && !request.requestedProtocols.includes('chat')) {
      return request.reject(400, 'subprotocol chat required');
    }
    const connection = request.accept(request.requestedProtocols[0], request.origin);
    if (path === '/drop') connection.drop(1008);
    connection.on('message', (message) => {
      if (path === '/text' && message.type !== 'utf8') return connection.drop(1003, 'Text only');
      connection.sendUTF(message.utf8Data);
    });
  });
  return server;
};

const servers = {
  'express-ws': express_ws,
  'graphql-ws': graphql_ws,
  'graphql-ws-token': graphql_ws_token,
  'http-proxy': http_proxy,
  'node-http': node_http,
  'socket.io': socket_io,
  'socket.io-origin': socket_io_origin,
  'socket.io-pings': socket_io_pings,
  'socket.io-polling': socket_io_polling,
  'socket.io-refusing': socket_io_refusing,
  'subscriptions-transport-ws': subscriptions_transport_ws,
  'ws-path': ws_path,
  'ws-twice': ws_twice,
  express,
  fastify,
  sockjs,
  websocket,
  ws,
};

const server = await servers[process.argv[2]]();
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('end', () => process.exit()).resume();
