/* uWebSockets as a server for the benchmark of `sockeye listen`: `uws MODE [deflate]`, where MODE is
 * echo, broadcast (to every client but the sender) or talk (each line of stdin to every client). It
 * prints its port. The library is the one that the Python package socketify contains: uWebSockets 20
 * in C++, which it exports with C functions; its event loop is that of libuv. */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *key_file_name, *cert_file_name, *passphrase, *dh_params_file_name, *ca_file_name;
    const char *ssl_ciphers;
    int ssl_prefer_low_memory_usage;
} Options;

typedef struct {
    int port;
    const char *host;
    int options;
} ListenConfig;

typedef struct {
    int compression;
    unsigned max_payload_length;
    unsigned short idle_timeout;
    unsigned max_backpressure;
    bool close_on_backpressure_limit, reset_idle_timeout_on_send, send_pings_automatically;
    unsigned short max_lifetime;
    void (*upgrade)(void *, void *, void *, void *);
    void (*open)(void *, void *);
    void (*message)(void *, const char *, size_t, int, void *);
    void (*drain)(void *, void *);
    void (*ping)(void *, const char *, size_t, void *);
    void (*pong)(void *, const char *, size_t, void *);
    void (*close)(void *, int, const char *, size_t, void *);
    void (*subscription)(void *, const char *, size_t, int, int, void *);
} Behavior;

void *uws_create_app(int ssl, Options options);
void uws_ws(int ssl, void *app, const char *pattern, Behavior behavior, void *data);
void uws_app_listen_with_config(int ssl, void *app, ListenConfig config,
                                void (*handler)(void *, ListenConfig, void *), void *data);
void uws_app_run(int ssl, void *app);
int us_socket_local_port(int ssl, void *socket);
int uws_ws_send_with_options(int ssl, void *ws, const char *message, size_t length, int opcode,
                             bool compress, bool fin);
bool uws_ws_subscribe(int ssl, void *ws, const char *topic, size_t length);
bool uws_ws_publish_with_options(int ssl, void *ws, const char *topic, size_t topic_length,
                                 const char *message, size_t length, int opcode, bool compress);

static const char *mode;
static bool deflate;

static void on_open(void *ws, void *data) {
    if (strcmp(mode, "echo") != 0) uws_ws_subscribe(0, ws, "all", 3);
}

static void on_message(void *ws, const char *message, size_t length, int opcode, void *data) {
    if (strcmp(mode, "echo") == 0) {
        uws_ws_send_with_options(0, ws, message, length, opcode, deflate, true);
    } else {
        uws_ws_publish_with_options(0, ws, "all", 3, message, length, opcode, deflate);
    }
}

static void on_other(void *ws, void *data) {}
static void on_ping(void *ws, const char *message, size_t length, void *data) {}
static void on_close(void *ws, int code, const char *message, size_t length, void *data) {}

static void on_listen(void *socket, ListenConfig config, void *data) {
    if (socket == NULL) exit(1);
    printf("%d\n", us_socket_local_port(0, socket));
    fflush(stdout);
}

int main(int argc, char **argv) {
    mode = argc > 1 ? argv[1] : "echo";
    deflate = argc > 2;
    Behavior behavior = {
        /* A compressor and a decompressor that all clients share, as in sockeye. */
        .compression = deflate ? 1 | 1 << 8 : 0,
        .max_payload_length = 128 << 20,
        .idle_timeout = 0,
        .max_backpressure = 256 << 20,
        .open = on_open,
        .message = on_message,
        .drain = on_other,
        .ping = on_ping,
        .pong = on_ping,
        .close = on_close,
    };
    void *app = uws_create_app(0, (Options){0});
    uws_ws(0, app, "/*", behavior, NULL);
    uws_app_listen_with_config(0, app, (ListenConfig){0, "127.0.0.1", 0}, on_listen, NULL);
    uws_app_run(0, app);
}
