/*
    netcode.h: secure client/server connections over UDP.

    Generated from the Rust sources; do not edit (see CONTRIBUTING.md).

    Threads: use any one client or server from one thread at a time, and different ones from different
    threads as you like. A network simulator and everybody on it count as one. Functions without an
    object, such as netcode_log_level and those that set hooks, may be called from any thread at any
    time; a hook that has been replaced may still be running elsewhere for a moment. Hooks, overrides
    and callbacks run on the thread whose call leads to them, so an allocator that objects on several
    threads share has to be safe for that. Create errors are each thread's own.

    Processes: after fork, a client or server that is connected may go on in one of the two processes
    only, and the other must not touch it. Both would seal different packets under the same numbers.
    One that is neither connected nor connecting, or stopped, may be destroyed in both.

    Times are seconds, sizes are bytes, unless said otherwise. A NULL object, an index out of range
    and the like are asserted in debug builds of the library; apart from that the function then does
    nothing, and returns 0 or NULL.
*/

#ifndef NETCODE_H
#define NETCODE_H

#include <stdint.h>
#include <stddef.h>

#define NETCODE_VERSION_FULL "1.4.8"
#define NETCODE_VERSION_MAJOR 1
#define NETCODE_VERSION_MINOR 4
#define NETCODE_VERSION_PATCH 8

#if !defined( NETCODE_DEBUG ) && !defined( NETCODE_RELEASE )
#if defined( NDEBUG )
#define NETCODE_RELEASE
#else
#define NETCODE_DEBUG
#endif
#elif defined( NETCODE_DEBUG ) && defined( NETCODE_RELEASE )
#error "netcode: define NETCODE_DEBUG or NETCODE_RELEASE, not both"
#endif

#if defined( __BYTE_ORDER__ ) && defined( __ORDER_BIG_ENDIAN__ )
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define NETCODE_BIG_ENDIAN 1
#else
#define NETCODE_LITTLE_ENDIAN 1
#endif
#elif defined( __powerpc__ ) || defined( __ppc__ ) || defined( __PPC__ ) \
    || defined( __sparc ) || defined( __sparc__ ) || defined( __s390__ ) || defined( __s390x__ )
#define NETCODE_BIG_ENDIAN 1
#else
#define NETCODE_LITTLE_ENDIAN 1
#endif

#define NETCODE_PLATFORM_WINDOWS 1
#define NETCODE_PLATFORM_MAC 2
#define NETCODE_PLATFORM_UNIX 3

#if defined( _WIN32 )
#define NETCODE_PLATFORM NETCODE_PLATFORM_WINDOWS
#elif defined( __APPLE__ )
#define NETCODE_PLATFORM NETCODE_PLATFORM_MAC
#else
#define NETCODE_PLATFORM NETCODE_PLATFORM_UNIX
#endif

#define NETCODE_CONST const

/* Whether programs are to mark packets for expedited forwarding; netcode_enable_packet_tagging exists either way. */
#if !defined( NETCODE_PACKET_TAGGING )
#if defined( __MINGW32__ )
#define NETCODE_PACKET_TAGGING 0
#else
#define NETCODE_PACKET_TAGGING 1
#endif
#endif

/* Calls netcode_assert_function, and then goes on, if the condition is false. Nothing with NDEBUG. */
#if defined( NDEBUG )
#define netcode_assert( condition ) ( (void) 0 )
#else
#if defined( __cplusplus ) || ( defined( __STDC_VERSION__ ) && __STDC_VERSION__ >= 199901L )
#define NETCODE_FUNCTION __func__
#else
#define NETCODE_FUNCTION __FUNCTION__
#endif
#define netcode_assert( condition )                                                        \
    do                                                                                     \
    {                                                                                      \
        if ( !( condition ) )                                                              \
            netcode_assert_function( #condition, NETCODE_FUNCTION, __FILE__, __LINE__ );   \
    }                                                                                      \
    while ( 0 )
#endif

/* A network in memory, for tests. */
struct netcode_network_simulator_t;


/**
 * Size of a connect token, in bytes.
 */
#define NETCODE_CONNECT_TOKEN_BYTES 2048

/**
 * Size of a key, in bytes.
 */
#define NETCODE_KEY_BYTES 32

/**
 * Size of an authentication tag, in bytes.
 */
#define NETCODE_MAC_BYTES 16

/**
 * Size of the application data in a connect token, in bytes.
 */
#define NETCODE_USER_DATA_BYTES 256

/**
 * Most server addresses in a connect token.
 */
#define NETCODE_MAX_SERVERS_PER_CONNECT 32

/**
 * Most clients of a server.
 */
#define NETCODE_MAX_CLIENTS 256

/**
 * Largest payload, in bytes.
 */
#define NETCODE_MAX_PACKET_SIZE 1200

/**
 * Room for the text of an address, its terminating zero included.
 */
#define NETCODE_MAX_ADDRESS_STRING_LENGTH 256

/**
 * For how long connect tokens can be used, in seconds, unless a server's config says otherwise.
 */
#define NETCODE_DEFAULT_MAX_CONNECT_TOKEN_LIFETIME 30

/**
 * Success.
 */
#define NETCODE_OK 1

/**
 * Failure.
 */
#define NETCODE_ERROR 0

/**
 * No address.
 */
#define NETCODE_ADDRESS_NONE 0

/**
 * An IPv4 address.
 */
#define NETCODE_ADDRESS_IPV4 1

/**
 * An IPv6 address.
 */
#define NETCODE_ADDRESS_IPV6 2

/**
 * Log nothing. The default.
 */
#define NETCODE_LOG_LEVEL_NONE 0

/**
 * Log what fails.
 */
#define NETCODE_LOG_LEVEL_ERROR 1

/**
 * Log who comes and goes, too.
 */
#define NETCODE_LOG_LEVEL_INFO 2

/**
 * Log every packet and change of state, too.
 */
#define NETCODE_LOG_LEVEL_DEBUG 3

/**
 * The connect token expired before a server accepted it.
 */
#define NETCODE_CLIENT_STATE_CONNECT_TOKEN_EXPIRED -6

/**
 * The connect token could not be read.
 */
#define NETCODE_CLIENT_STATE_INVALID_CONNECT_TOKEN -5

/**
 * The connection was lost.
 */
#define NETCODE_CLIENT_STATE_CONNECTION_TIMED_OUT -4

/**
 * No server accepted the response to its challenge in time.
 */
#define NETCODE_CLIENT_STATE_CONNECTION_RESPONSE_TIMED_OUT -3

/**
 * No server answered in time.
 */
#define NETCODE_CLIENT_STATE_CONNECTION_REQUEST_TIMED_OUT -2

/**
 * All servers were full.
 */
#define NETCODE_CLIENT_STATE_CONNECTION_DENIED -1

/**
 * Not connected.
 */
#define NETCODE_CLIENT_STATE_DISCONNECTED 0

/**
 * Asking a server.
 */
#define NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST 1

/**
 * Answering the server's challenge.
 */
#define NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE 2

/**
 * Connected.
 */
#define NETCODE_CLIENT_STATE_CONNECTED 3

/**
 * No client of this slot has been disconnected since it last connected.
 */
#define NETCODE_SERVER_CLIENT_DISCONNECT_REASON_NONE 0

/**
 * Nothing was heard of the client for its timeout.
 */
#define NETCODE_SERVER_CLIENT_DISCONNECT_REASON_TIMED_OUT 1

/**
 * The client left.
 */
#define NETCODE_SERVER_CLIENT_DISCONNECT_REASON_CLIENT_DISCONNECT 2

/**
 * The server sent the client away.
 */
#define NETCODE_SERVER_CLIENT_DISCONNECT_REASON_SERVER_DISCONNECT 3

/**
 * The client was created.
 */
#define NETCODE_CLIENT_CREATE_ERROR_NONE 0

/**
 * The first address is no address.
 */
#define NETCODE_CLIENT_CREATE_ERROR_PARSE_ADDRESS_FAILED 1

/**
 * The second address is no address.
 */
#define NETCODE_CLIENT_CREATE_ERROR_PARSE_ADDRESS2_FAILED 2

/**
 * With a network simulator, addresses need a port.
 */
#define NETCODE_CLIENT_CREATE_ERROR_SIMULATOR_REQUIRES_PORT 3

/**
 * The IPv4 socket could not be opened or bound.
 */
#define NETCODE_CLIENT_CREATE_ERROR_CREATE_SOCKET_IPV4_FAILED 4

/**
 * The IPv6 socket could not be opened or bound.
 */
#define NETCODE_CLIENT_CREATE_ERROR_CREATE_SOCKET_IPV6_FAILED 5

/**
 * Out of memory.
 */
#define NETCODE_CLIENT_CREATE_ERROR_ALLOCATE_CLIENT_FAILED 6

/**
 * The config asks to override sending and receiving without saying how.
 */
#define NETCODE_CLIENT_CREATE_ERROR_MISSING_OVERRIDE_CALLBACK 7

/**
 * The server was created.
 */
#define NETCODE_SERVER_CREATE_ERROR_NONE 0

/**
 * The first address is no address.
 */
#define NETCODE_SERVER_CREATE_ERROR_PARSE_ADDRESS_FAILED 1

/**
 * The second address is no address.
 */
#define NETCODE_SERVER_CREATE_ERROR_PARSE_ADDRESS2_FAILED 2

/**
 * The IPv4 socket could not be opened.
 */
#define NETCODE_SERVER_CREATE_ERROR_CREATE_SOCKET_IPV4_FAILED 3

/**
 * The IPv6 socket could not be opened.
 */
#define NETCODE_SERVER_CREATE_ERROR_CREATE_SOCKET_IPV6_FAILED 4

/**
 * The IPv4 socket could not be bound to its port.
 */
#define NETCODE_SERVER_CREATE_ERROR_BIND_SOCKET_IPV4_FAILED 5

/**
 * The IPv6 socket could not be bound to its port.
 */
#define NETCODE_SERVER_CREATE_ERROR_BIND_SOCKET_IPV6_FAILED 6

/**
 * Out of memory.
 */
#define NETCODE_SERVER_CREATE_ERROR_ALLOCATE_SERVER_FAILED 7

/**
 * The config asks to override sending and receiving without saying how.
 */
#define NETCODE_SERVER_CREATE_ERROR_MISSING_OVERRIDE_CALLBACK 8

/**
 * A client. Use any one client from one thread at a time.
 */
struct netcode_client_t;

/**
 * A server. Use any one server from one thread at a time.
 */
struct netcode_server_t;

/**
 * An IPv4 or IPv6 address with a port.
 */
struct netcode_address_t {
    /**
     * The address, in the member that goes with the type. Bytes that the type does not use are zero
     * in what the library returns.
     */
    union { uint8_t ipv4[4]; uint16_t ipv6[8]; } data;
    /**
     * The port, in host byte order.
     */
    uint16_t port;
    /**
     * NETCODE_ADDRESS_NONE, NETCODE_ADDRESS_IPV4 or NETCODE_ADDRESS_IPV6.
     */
    uint8_t type;
};

/**
 * How a client is to be set up. Fill it with netcode_default_client_config, then change it. The
 * library copies it.
 */
struct netcode_client_config_t {
    /**
     * Handed to the two functions below.
     */
    void *allocator_context;
    /**
     * Returns memory for the client, aligned for any object, or NULL. NULL stands for malloc.
     */
    void *(*allocate_function)(void *context, size_t bytes);
    /**
     * Takes memory of the client back. NULL stands for free.
     */
    void (*free_function)(void *context, void *pointer);
    /**
     * Takes the place of sockets, if not NULL. It must outlive the client.
     */
    struct netcode_network_simulator_t *network_simulator;
    /**
     * Handed to the callbacks below.
     */
    void *callback_context;
    /**
     * Told of each change of state, before netcode_client_state reports it.
     */
    void (*state_change_callback)(void *context, int previous, int current);
    /**
     * Takes what a client that is connected by loopback sends.
     */
    void (*send_loopback_packet_callback)(void *context,
                                          int client_index,
                                          const uint8_t *data,
                                          int bytes,
                                          uint64_t sequence);
    /**
     * If not zero, the two functions below take the place of sockets.
     */
    int override_send_and_receive;
    /**
     * Sends a datagram.
     */
    void (*send_packet_override)(void *context,
                                 struct netcode_address_t *to,
                                 const uint8_t *data,
                                 int bytes);
    /**
     * Fetches a datagram of at most max_bytes and returns its size, or zero or less when there is none.
     */
    int (*receive_packet_override)(void *context,
                                   struct netcode_address_t *from,
                                   uint8_t *data,
                                   int max_bytes);
};

/**
 * How a server is to be set up. Fill it with netcode_default_server_config, then change it; the
 * protocol id and the private key are yours to set. The library copies it.
 */
struct netcode_server_config_t {
    /**
     * Tells your game and its versions from others. Tokens carry the same number.
     */
    uint64_t protocol_id;
    /**
     * The key that the servers share with the backend that makes connect tokens. Keep it secret.
     */
    uint8_t private_key[NETCODE_KEY_BYTES];
    /**
     * Handed to the two functions below.
     */
    void *allocator_context;
    /**
     * Returns memory for the server, aligned for any object, or NULL. NULL stands for malloc.
     */
    void *(*allocate_function)(void *context, size_t bytes);
    /**
     * Takes memory of the server back. NULL stands for free.
     */
    void (*free_function)(void *context, void *pointer);
    /**
     * Takes the place of sockets, if not NULL. It must outlive the server.
     */
    struct netcode_network_simulator_t *network_simulator;
    /**
     * Handed to the callbacks below.
     */
    void *callback_context;
    /**
     * Told of each client that has connected (1) or is about to be disconnected (0).
     */
    void (*connect_disconnect_callback)(void *context, int client_index, int connected);
    /**
     * Takes what the server sends to clients that are connected by loopback.
     */
    void (*send_loopback_packet_callback)(void *context,
                                          int client_index,
                                          const uint8_t *data,
                                          int bytes,
                                          uint64_t sequence);
    /**
     * If not zero, the two functions below take the place of sockets.
     */
    int override_send_and_receive;
    /**
     * Sends a datagram.
     */
    void (*send_packet_override)(void *context,
                                 struct netcode_address_t *to,
                                 const uint8_t *data,
                                 int bytes);
    /**
     * Fetches a datagram of at most max_bytes and returns its size, or zero or less when there is none.
     */
    int (*receive_packet_override)(void *context,
                                   struct netcode_address_t *from,
                                   uint8_t *data,
                                   int max_bytes);
    /**
     * The longest time, in seconds, for which your backend's tokens can be used. For that long after
     * netcode_server_start, tokens that could have been used before it are refused. Zero or less
     * stands for NETCODE_DEFAULT_MAX_CONNECT_TOKEN_LIFETIME.
     */
    int max_connect_token_lifetime;
};

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Called when a condition does not hold, by the library and by netcode_assert. Set it with
 * netcode_set_assert_function.
 */
extern void (*netcode_assert_function)(const char *condition,
                                       const char *function,
                                       const char *file,
                                       int line);

/**
 * Initialises the library. Call it before anything else; each call wants its netcode_term.
 *
 * Returns NETCODE_OK, or NETCODE_ERROR if the system has no network library (Winsock) to start.
 */
int netcode_init(void);

/**
 * Takes one netcode_init back. Destroy your clients and servers before the last.
 *
 * Without an init to take back it asserts and does nothing.
 */
void netcode_term(void);

/**
 * Has sockets that are created from now on mark their packets for expedited forwarding, where the
 * system allows it.
 */
void netcode_enable_packet_tagging(void);

/**
 * Sets how much is logged: one of NETCODE_LOG_LEVEL_NONE (the default) to NETCODE_LOG_LEVEL_DEBUG.
 * May be called from any thread at any time.
 */
void netcode_log_level(int level);

/**
 * Sets where log messages go: function is called as printf( "%s", text ), once a message, on the
 * thread that has something to say. NULL brings back printf. May be called from any thread.
 */
void netcode_set_printf_function(int (*function)(const char *format, ...));

/**
 * Sets what is called when an assertion fails. It may return; the call that asserted then does
 * nothing. NULL brings back the default, which prints and aborts. May be called from any thread.
 */
void netcode_set_assert_function(void (*function)(const char *condition,
                                                  const char *function,
                                                  const char *file,
                                                  int line));

/**
 * Fills data with random bytes of the operating system, fit for keys.
 *
 * Should the system fail to provide them the process is aborted: there is no safe way to go on.
 */
void netcode_random_bytes(uint8_t *data, int bytes);

/**
 * Sleeps for this many seconds.
 */
void netcode_sleep(double seconds);

/**
 * Returns the seconds since its first call in the process, on a clock that never goes back.
 */
double netcode_time(void);

/**
 * Reads an IPv4 address as "1.2.3.4" or "1.2.3.4:port", or an IPv6 address, bare or in brackets and
 * then perhaps with ":port". Without a port it is 0.
 *
 * Returns NETCODE_OK, or NETCODE_ERROR with the address set to NETCODE_ADDRESS_NONE.
 */
int netcode_parse_address(const char *address_string, struct netcode_address_t *address);

/**
 * Writes the text of an address to buffer and returns buffer. A port of 0 is left out; an address
 * of no type reads "NONE".
 */
char *netcode_address_to_string(struct netcode_address_t *address, char *buffer);

/**
 * Returns 1 if both addresses have the same type, address and port, else 0. An address of no type
 * equals nothing.
 */
int netcode_address_equal(struct netcode_address_t *a, struct netcode_address_t *b);

/**
 * Makes a connect token: what your backend sends to a client over a secure channel, and the client
 * passes to netcode_client_connect.
 *
 * The client connects to the public server addresses, first choice first; the internal addresses,
 * one for each, are how the servers know themselves (usually the same). The token can be used for
 * expire_seconds (negative: for ever, for development only). A side that hears nothing for
 * timeout_seconds gives the connection up (zero or negative: never). The client id must be unique
 * among connected clients. user_data, if not NULL, is what the server gets to see as
 * netcode_server_client_user_data.
 *
 * Returns NETCODE_OK, or NETCODE_ERROR if the number of addresses is not 1 to
 * NETCODE_MAX_SERVERS_PER_CONNECT, one of them is no address, or the system has no random bytes.
 */
int netcode_generate_connect_token(int num_server_addresses,
                                   const char **public_server_addresses,
                                   const char **internal_server_addresses,
                                   int expire_seconds,
                                   int timeout_seconds,
                                   uint64_t client_id,
                                   uint64_t protocol_id,
                                   const uint8_t *private_key,
                                   uint8_t *user_data,
                                   uint8_t *connect_token);

/**
 * Fills a config with defaults: malloc and free, sockets, no callbacks.
 */
void netcode_default_client_config(struct netcode_client_config_t *config);

/**
 * Creates a client on an address: "0.0.0.0" for IPv4 or "::" for IPv6 with a port that the system
 * chooses, or one with a port. time is your clock, in seconds; pass the same clock to
 * netcode_client_update.
 *
 * Returns NULL on failure; netcode_client_create_error says why.
 */
struct netcode_client_t *netcode_client_create(const char *address,
                                               const struct netcode_client_config_t *config,
                                               double time);

/**
 * As netcode_client_create, on an IPv4 and an IPv6 address, for connect tokens with servers of both
 * kinds.
 */
struct netcode_client_t *netcode_client_create_dual(const char *address1,
                                                    const char *address2,
                                                    const struct netcode_client_config_t *config,
                                                    double time);

/**
 * Returns why the last client that this thread tried to create was not created, as a
 * NETCODE_CLIENT_CREATE_ERROR constant.
 */
int netcode_client_create_error(void);

/**
 * Destroys a client, disconnecting it first. Packets that were received and not freed stay valid
 * only as memory of the allocator. In a callback of this client it takes effect when the call that
 * led to the callback returns.
 */
void netcode_client_destroy(struct netcode_client_t *client);

/**
 * Begins to connect with a connect token of NETCODE_CONNECT_TOKEN_BYTES, after disconnecting if
 * need be. netcode_client_state tells how it goes; a token that cannot be read leads to
 * NETCODE_CLIENT_STATE_INVALID_CONNECT_TOKEN at once.
 */
void netcode_client_connect(struct netcode_client_t *client, uint8_t *connect_token);

/**
 * Receives, sends and lets time pass. Call it regularly, 60 times a second or so, with your clock
 * in seconds. Callbacks are called from here.
 */
void netcode_client_update(struct netcode_client_t *client, double time);

/**
 * Returns the sequence number that the next packet sent will have.
 */
uint64_t netcode_client_next_packet_sequence(struct netcode_client_t *client);

/**
 * Sends a packet of 1 to NETCODE_MAX_PACKET_SIZE bytes to the server, unreliably and at once. Does
 * nothing unless the client is connected.
 */
void netcode_client_send_packet(struct netcode_client_t *client,
                                const uint8_t *packet_data,
                                int packet_bytes);

/**
 * Takes the packet that has waited longest. Stores its size and, unless sequence is NULL, the
 * server's number of the packet. Free it with netcode_client_free_packet; it may be read up to 8
 * bytes beyond its end.
 *
 * Returns NULL, and stores nothing, when no packet waits.
 */
uint8_t *netcode_client_receive_packet(struct netcode_client_t *client,
                                       int *packet_bytes,
                                       uint64_t *packet_sequence);

/**
 * Frees a packet that netcode_client_receive_packet returned.
 */
void netcode_client_free_packet(struct netcode_client_t *client, void *packet);

/**
 * Disconnects, and tells the server. Does nothing if the client is not connected or connecting.
 */
void netcode_client_disconnect(struct netcode_client_t *client);

/**
 * Returns the client's state, a NETCODE_CLIENT_STATE constant. Errors are negative.
 */
int netcode_client_state(struct netcode_client_t *client);

/**
 * Returns the client's slot on the server, once it is connected; else 0.
 */
int netcode_client_index(struct netcode_client_t *client);

/**
 * Returns the number of slots of the server, once the client is connected; else 0.
 */
int netcode_client_max_clients(struct netcode_client_t *client);

/**
 * Connects a client to a server in the same process, without packets: what it sends goes to its
 * send_loopback_packet_callback, and what it is to receive comes by
 * netcode_client_process_loopback_packet. Refused unless the client is disconnected and has that
 * callback.
 */
void netcode_client_connect_loopback(struct netcode_client_t *client,
                                     int client_index,
                                     int max_clients);

/**
 * Ends netcode_client_connect_loopback.
 */
void netcode_client_disconnect_loopback(struct netcode_client_t *client);

/**
 * Hands a datagram to the client that your program received itself. It is decrypted in place: nothing
 * else may use the data until the call returns.
 */
void netcode_client_process_packet(struct netcode_client_t *client,
                                   struct netcode_address_t *from,
                                   uint8_t *packet_data,
                                   int packet_bytes);

/**
 * Returns 1 if the client is connected by loopback, else 0.
 */
int netcode_client_loopback(struct netcode_client_t *client);

/**
 * Hands a packet to a client that is connected by loopback, as if its server had sent it.
 */
void netcode_client_process_loopback_packet(struct netcode_client_t *client,
                                            const uint8_t *packet_data,
                                            int packet_bytes,
                                            uint64_t packet_sequence);

/**
 * Returns the port of the client's socket: of the IPv4 one if its first address is IPv4, else of
 * the IPv6 one; 0 without sockets.
 */
uint16_t netcode_client_get_port(struct netcode_client_t *client);

/**
 * Returns the address of the server that the client is connected or connecting to; of type
 * NETCODE_ADDRESS_NONE when there is none. It belongs to the client and changes with it.
 */
struct netcode_address_t *netcode_client_server_address(struct netcode_client_t *client);

/**
 * Fills a config with defaults: malloc and free, sockets, no callbacks, tokens of at most 30
 * seconds. protocol_id and private_key are left as they are.
 */
void netcode_default_server_config(struct netcode_server_config_t *config);

/**
 * Creates a server. The address is its public one, as in connect tokens; it listens on that port of
 * all addresses of the host. With port 0 the system chooses a port, which becomes part of the
 * public address. time is your clock, in seconds; pass the same clock to netcode_server_update.
 * Clients can connect after netcode_server_start.
 *
 * Returns NULL on failure; netcode_server_create_error says why.
 */
struct netcode_server_t *netcode_server_create(const char *server_address,
                                               const struct netcode_server_config_t *config,
                                               double time);

/**
 * As netcode_server_create, on an IPv4 and an IPv6 address.
 */
struct netcode_server_t *netcode_server_create_dual(const char *server_address1,
                                                    const char *server_address2,
                                                    const struct netcode_server_config_t *config,
                                                    double time);

/**
 * Returns why the last server that this thread tried to create was not created, as a
 * NETCODE_SERVER_CREATE_ERROR constant.
 */
int netcode_server_create_error(void);

/**
 * Destroys a server, stopping it first. In a callback of this server it takes effect when the call
 * that led to the callback returns.
 */
void netcode_server_destroy(struct netcode_server_t *server);

/**
 * Starts a server with 1 to NETCODE_MAX_CLIENTS slots, after stopping it if need be.
 *
 * For the max_connect_token_lifetime of the config after each start, connect tokens that could have
 * been used before it are refused.
 */
void netcode_server_start(struct netcode_server_t *server, int max_clients);

/**
 * Stops a server, disconnecting all its clients.
 */
void netcode_server_stop(struct netcode_server_t *server);

/**
 * Returns 1 if the server has been started and not stopped, else 0.
 */
int netcode_server_running(struct netcode_server_t *server);

/**
 * Returns the number of slots; 0 while the server is not running.
 */
int netcode_server_max_clients(struct netcode_server_t *server);

/**
 * Receives, sends and lets time pass. Call it regularly, 60 times a second or so, with your clock
 * in seconds. Callbacks are called from here.
 */
void netcode_server_update(struct netcode_server_t *server, double time);

/**
 * Returns 1 if there is a client in this slot, else 0.
 */
int netcode_server_client_connected(struct netcode_server_t *server, int client_index);

/**
 * Returns why the last client of this slot was disconnected, as a
 * NETCODE_SERVER_CLIENT_DISCONNECT_REASON constant. It can be asked in the callback, too.
 */
int netcode_server_client_disconnect_reason(struct netcode_server_t *server, int client_index);

/**
 * Returns the id of the client in this slot; 0 if there is none.
 */
uint64_t netcode_server_client_id(struct netcode_server_t *server, int client_index);

/**
 * Returns the address of the client in this slot, of type NETCODE_ADDRESS_NONE if there is none or
 * it is connected by loopback; NULL if there is no such slot. It belongs to the server, and is good
 * until it is stopped.
 */
struct netcode_address_t *netcode_server_client_address(struct netcode_server_t *server,
                                                        int client_index);

/**
 * Sends the client in this slot away. Does nothing if there is none or it is connected by loopback.
 */
void netcode_server_disconnect_client(struct netcode_server_t *server, int client_index);

/**
 * Sends all clients away, except those that are connected by loopback.
 */
void netcode_server_disconnect_all_clients(struct netcode_server_t *server);

/**
 * Returns the sequence number that the next packet to the client in this slot will have; 0 if there
 * is none.
 */
uint64_t netcode_server_next_packet_sequence(struct netcode_server_t *server, int client_index);

/**
 * Sends a packet of 1 to NETCODE_MAX_PACKET_SIZE bytes to the client in this slot, unreliably and
 * at once. Does nothing if there is none.
 */
void netcode_server_send_packet(struct netcode_server_t *server,
                                int client_index,
                                const uint8_t *packet_data,
                                int packet_bytes);

/**
 * Takes the packet that has waited longest of those from the client in this slot. Stores its size
 * and, unless sequence is NULL, the client's number of the packet. Free it with
 * netcode_server_free_packet; it may be read up to 8 bytes beyond its end.
 *
 * Returns NULL, and stores nothing, when no packet waits.
 */
uint8_t *netcode_server_receive_packet(struct netcode_server_t *server,
                                       int client_index,
                                       int *packet_bytes,
                                       uint64_t *packet_sequence);

/**
 * Frees a packet that netcode_server_receive_packet returned.
 */
void netcode_server_free_packet(struct netcode_server_t *server, void *packet);

/**
 * Returns the number of connected clients, those that are connected by loopback included.
 */
int netcode_server_num_connected_clients(struct netcode_server_t *server);

/**
 * Returns the NETCODE_USER_DATA_BYTES of user data in the connect token of the client in this slot,
 * zeros if there is none; NULL if there is no such slot. It belongs to the server, and is good
 * until it is stopped.
 */
void *netcode_server_client_user_data(struct netcode_server_t *server, int client_index);

/**
 * Hands a datagram to the server that your program received itself. It is decrypted in place: nothing
 * else may use the data until the call returns.
 */
void netcode_server_process_packet(struct netcode_server_t *server,
                                   struct netcode_address_t *from,
                                   uint8_t *packet_data,
                                   int packet_bytes);

/**
 * Connects a client in the same process to a free slot, without packets: what is sent to it goes to
 * the server's send_loopback_packet_callback, and what it sends comes by
 * netcode_server_process_loopback_packet. user_data has NETCODE_USER_DATA_BYTES, or is NULL.
 * Refused without that callback.
 */
void netcode_server_connect_loopback_client(struct netcode_server_t *server,
                                            int client_index,
                                            uint64_t client_id,
                                            const uint8_t *user_data);

/**
 * Disconnects a client that is connected by loopback.
 */
void netcode_server_disconnect_loopback_client(struct netcode_server_t *server, int client_index);

/**
 * Returns 1 if the client in this slot is connected by loopback, else 0.
 */
int netcode_server_client_loopback(struct netcode_server_t *server, int client_index);

/**
 * Hands a packet to the server as if the client in this slot, connected by loopback, had sent it.
 */
void netcode_server_process_loopback_packet(struct netcode_server_t *server,
                                            int client_index,
                                            const uint8_t *packet_data,
                                            int packet_bytes,
                                            uint64_t packet_sequence);

/**
 * Returns the port that the server listens on: with IPv4 if its first address is IPv4, else with
 * IPv6; 0 without sockets.
 */
uint16_t netcode_server_get_port(struct netcode_server_t *server);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* NETCODE_H */
