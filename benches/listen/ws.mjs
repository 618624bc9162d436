// ws as a server for the benchmark of `sockeye listen`: `node ws.mjs MODE [deflate]`, where MODE is
// echo or broadcast (to every client but the sender). It prints its port.
import { WebSocketServer, WebSocket } from "ws";

const [mode, deflate] = process.argv.slice(2);
const server = new WebSocketServer({
    port: 0,
    host: "127.0.0.1",
    backlog: 4096,
    maxPayload: 128 << 20,
    // As sockeye: compressed from 64 bytes on, without the context of earlier messages.
    perMessageDeflate: deflate
        ? { threshold: 64, serverNoContextTakeover: true, zlibDeflateOptions: { level: 1 } }
        : false,
});
server.on("listening", () => console.log(server.address().port));
server.on("connection", (client) => {
    client.on("error", () => {});
    client.on("message", (data, binary) => {
        if (mode === "echo") return client.send(data, { binary });
        for (const other of server.clients) {
            if (other !== client && other.readyState === WebSocket.OPEN) {
                other.send(data, { binary });
            }
        }
    });
});
