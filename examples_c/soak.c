/*
 * Many clients and servers that come and go at random while every payload is checked and every ending
 * has to have its reason. Which actions are taken follows from the seed alone, so a bad run repeats.
 *
 * Without --sockets everything goes through the network simulator, which delays, loses and doubles
 * packets, on a virtual clock: a minute takes a few seconds. With --sockets it is real UDP in real time.
 *
 * Exits with 0 if there was no violation.
 *
 *     soak --seconds 600 --seed 7
 *     soak --sockets --seconds 60
 */
#include "common.h"

#include <stdarg.h>

/* ---- the network simulator ------------------------------------------------------------------- */

/*
 * The library exports the simulator but netcode.h only names its type: whoever wants to use it declares
 * what is below. These are the first members of the structure, the ones that may be set.
 */
struct netcode_network_simulator_t
{
    void * allocator_context;
    void * (*allocate_function)( void *, size_t );
    void (*free_function)( void *, void * );
    float latency_milliseconds;
    float jitter_milliseconds;
    float packet_loss_percent;
    float duplicate_packet_percent;
};

#ifdef __cplusplus
extern "C" {
#endif

struct netcode_network_simulator_t * netcode_network_simulator_create( void * allocator_context,
                                                                       void * (*allocate_function)( void *, size_t ),
                                                                       void (*free_function)( void *, void * ) );
void netcode_network_simulator_destroy( struct netcode_network_simulator_t * network_simulator );
void netcode_network_simulator_update( struct netcode_network_simulator_t * network_simulator, double time );

#ifdef __cplusplus
}
#endif

/* ---- the world ------------------------------------------------------------------------------- */

#define MAX_SERVERS 16
#define MAX_CLIENTS 256
#define SESSIONS_PER_CLIENT 16
#define TICK_SECONDS ( 1.0 / 60.0 )
#define DRAIN_SECONDS ( DEMO_TIMEOUT_SECONDS + 3.0 )
#define NETWORK_CHANGE_SECONDS 5.0

/* Longer than any packet stays under way: latency, jitter, and a second for a duplicate. */
#define STRAGGLER_SECONDS 2.0

/* Nobody listens there, neither in the simulator nor, in all likelihood, on this machine. */
#define DEAD_PORT 1
#define SERVER_PORT_BASE 40000
#define CLIENT_PORT_BASE 50000

/*
 * A server remembers the tokens that it has seen, 2048 of them, until they expire by the wall clock.
 * Virtual time runs faster than that, so a server is restarted, which forgets them, before it is full.
 */
#define TOKENS_PER_START 1500

enum token_kind_t
{
    TOKEN_GOOD,
    TOKEN_FALLBACK,             /* good; the first of its two servers does not exist */
    TOKEN_WRONG_KEY,
    TOKEN_WRONG_PROTOCOL,
    TOKEN_WRONG_SERVER,         /* made for another server */
    TOKEN_TAMPERED,             /* a bit of the private part is flipped */
    TOKEN_EXPIRED,
    TOKEN_UNREADABLE,
    TOKEN_KINDS
};

static const char * const token_kind_names[TOKEN_KINDS] =
{
    "good", "fallback", "wrong key", "wrong protocol", "wrong server", "tampered", "expired", "unreadable"
};

struct soak_server_t;
struct soak_client_t;

/* One connect token and all that comes of it. */
struct session_t
{
    int in_use;
    uint64_t id;                        /* the client id in the token */
    enum token_kind_t kind;
    struct soak_client_t * client;
    struct soak_server_t * server;
    int server_start;                   /* which start of the server it was opened under */
    int admitted_start;                 /* which start of the server admitted it, 0 for none */
    int on_client, on_server;           /* which ends have it at the moment */
    int connected;                      /* the client got through */
    int client_left, server_left;       /* which ends said goodbye */
    int reused;                         /* the client came again with a token that had been used */
    int disturbed;                      /* an end was frozen, so a timeout is to be expected */
    int excused;                        /* something kept it from connecting, so failing is all right */
    double opened, ended;
    uint8_t connect_token[NETCODE_CONNECT_TOKEN_BYTES];
    struct flow_t to_server, to_client;
};

struct soak_client_t
{
    int number;
    struct netcode_client_t * client;
    struct session_t * session;         /* the current one */
    struct session_t * next;            /* becomes current inside netcode_client_connect() */
    struct session_t * last;            /* may be tried a second time */
    int leaving;                        /* a call that ends the session is under way */
    double frozen_until;
};

struct soak_server_t
{
    int number;
    struct netcode_server_t * server;
    char address[NETCODE_MAX_ADDRESS_STRING_LENGTH];
    int starts;                         /* counts, so that each has a number of its own */
    int tokens;                         /* made for it since it started */
    int num_slots, occupied;
    double last_full;
    double frozen_until;
    struct session_t * slots[NETCODE_MAX_CLIENTS];
};

struct statistics_t
{
    uint64_t opened[TOKEN_KINDS];
    uint64_t reused;
    uint64_t ended[NETCODE_CLIENT_STATE_DISCONNECTED - NETCODE_CLIENT_STATE_CONNECT_TOKEN_EXPIRED + 1];
    uint64_t client_connects, server_connects;
    uint64_t left[4];                   /* by disconnect reason */
    uint64_t server_starts, objects_recreated, freezes;
    uint64_t sent, checked, wrong, bytes;
};

struct memory_t
{
    int64_t blocks, bytes;
    int64_t most_bytes;
    uint64_t allocations;
};

static struct
{
    int num_clients, num_servers, use_sockets, use_ipv6;
    uint64_t seed;
    double time;
    uint64_t tick;
    uint64_t next_id;
    int num_sessions;
    struct netcode_network_simulator_t * simulator;
    struct session_t * sessions;
    struct soak_client_t clients[MAX_CLIENTS];
    struct soak_server_t servers[MAX_SERVERS];
    struct statistics_t statistics;
    struct memory_t memory;
    uint64_t violations;
} world;

/* ---- violations ------------------------------------------------------------------------------ */

#define MAX_VIOLATIONS_PRINTED 25

static void violation( const char * format, ... )
{
    va_list arguments;
    if ( world.violations++ >= MAX_VIOLATIONS_PRINTED )
        return;
    printf( "VIOLATION at %.3f: ", world.time );
    va_start( arguments, format );
    vprintf( format, arguments );
    va_end( arguments );
    printf( "\n" );
    fflush( stdout );
}

static void on_assert( const char * condition, const char * function, const char * file, int line )
{
    violation( "assert failed: %s in %s, %s:%d", condition, function, file, line );
}

/* ---- memory that is counted ------------------------------------------------------------------ */

#define BLOCK_MAGIC UINT64_C( 0x6b636f6c62646f67 )

/* Sixteen bytes, so that what follows is aligned as well as what malloc returned. */
union block_head_t
{
    struct
    {
        uint64_t magic;
        uint64_t bytes;
    } info;
    uint8_t padding[16];
};

static void * counted_allocate( void * context, size_t bytes )
{
    struct memory_t * memory = (struct memory_t *) context;
    union block_head_t * head = (union block_head_t *) malloc( sizeof( *head ) + bytes );
    if ( !head )
        return NULL;
    head->info.magic = BLOCK_MAGIC;
    head->info.bytes = bytes;
    memory->blocks++;
    memory->allocations++;
    memory->bytes += (int64_t) bytes;
    if ( memory->bytes > memory->most_bytes )
        memory->most_bytes = memory->bytes;
    return head + 1;
}

static void counted_free( void * context, void * pointer )
{
    struct memory_t * memory = (struct memory_t *) context;
    union block_head_t * head = (union block_head_t *) pointer - 1;
    if ( !pointer )
        return;
    if ( head->info.magic != BLOCK_MAGIC )
    {
        violation( "freed memory that was not allocated, or freed it twice" );
        return;
    }
    head->info.magic = 0;
    memory->blocks--;
    memory->bytes -= (int64_t) head->info.bytes;
    free( head );
}

/* ---- chance ---------------------------------------------------------------------------------- */

/*
 * The dice depend on seed, tick and actor only, not on what happened before. So the same seed throws
 * the same dice in every run, although keys, nonces and the machine's timing differ.
 */
static uint64_t throw_dice( uint64_t actor )
{
    return mix64( mix64( world.seed ^ mix64( world.tick ) ) + actor );
}

/* Independent numbers in [0,limit) out of one throw. */
static int pick( uint64_t dice, uint64_t which, int limit )
{
    return (int) ( mix64( dice + which ) % (uint64_t) limit );
}

/* True about once in `ticks` ticks. */
static int once_in( uint64_t dice, uint64_t which, int ticks )
{
    return pick( dice, which, ticks ) == 0;
}

#define ACTOR_CLIENT( number ) ( (uint64_t) ( 1000 + ( number ) ) )
#define ACTOR_SERVER( number ) ( (uint64_t) ( 2000 + ( number ) ) )
#define ACTOR_CLIENT_SENDS( number ) ( (uint64_t) ( 3000 + ( number ) ) )
#define ACTOR_SLOT_SENDS( number, slot ) ( (uint64_t) ( 10000 + 1000 * ( number ) + ( slot ) ) )
#define ACTOR_NETWORK UINT64_C( 1 )

/* ---- sessions -------------------------------------------------------------------------------- */

static int token_should_work( const struct session_t * session )
{
    return ( session->kind == TOKEN_GOOD || session->kind == TOKEN_FALLBACK ) && !session->reused;
}

static struct session_t * session_with_id( uint64_t id )
{
    int i;
    for ( i = 0; i < world.num_sessions; i++ )
    {
        if ( world.sessions[i].in_use && world.sessions[i].id == id )
            return &world.sessions[i];
    }
    return NULL;
}

static struct session_t * unused_session( void )
{
    int i;
    for ( i = 0; i < world.num_sessions; i++ )
    {
        if ( !world.sessions[i].in_use )
            return &world.sessions[i];
    }
    return NULL;
}

static void session_close( struct session_t * session )
{
    const struct flow_t * flows[2];
    int i;
    flows[0] = &session->to_server;
    flows[1] = &session->to_client;
    for ( i = 0; i < 2; i++ )
    {
        world.statistics.sent += flows[i]->sent;
        world.statistics.checked += flows[i]->received;
        world.statistics.bytes += flows[i]->bytes_received;
    }
    session->in_use = 0;
}

/* A session is forgotten when neither end has it and none of its packets can be under way any more. */
static void close_old_sessions( double age )
{
    int i;
    for ( i = 0; i < world.num_sessions; i++ )
    {
        struct session_t * session = &world.sessions[i];
        if ( session->in_use && !session->on_client && !session->on_server && session->client->last != session && world.time - session->ended >= age )
            session_close( session );
    }
}

/* The user data travels through the token to the server, where it is compared. */
static void fill_user_data( const struct session_t * session, uint8_t * user_data )
{
    payload_fill( user_data, NETCODE_USER_DATA_BYTES, session->id, 0 );
}

static void print_address( char * text, size_t size, int port )
{
    snprintf( text, size, world.use_ipv6 ? "[::1]:%d" : "127.0.0.1:%d", port );
}

/* A token starts with 37 bytes in the clear (version, protocol, times); then nonce and private part, 1048 bytes. */
static void spoil_token( struct session_t * session, uint64_t dice )
{
    if ( session->kind == TOKEN_UNREADABLE )
        session->connect_token[0] ^= 1;
    if ( session->kind == TOKEN_TAMPERED )
        session->connect_token[37 + pick( dice, 10, 1048 )] ^= (uint8_t) ( 1 << pick( dice, 11, 8 ) );
}

static void make_token( struct session_t * session, uint64_t dice )
{
    char dead_address[NETCODE_MAX_ADDRESS_STRING_LENGTH];
    const char * public_addresses[2];
    const char * internal_addresses[2];
    uint8_t user_data[NETCODE_USER_DATA_BYTES], key[NETCODE_KEY_BYTES];
    uint64_t protocol_id = DEMO_PROTOCOL_ID;
    int count = 0, expire_seconds = session->kind == TOKEN_EXPIRED ? 0 : DEMO_TOKEN_SECONDS;

    print_address( dead_address, sizeof( dead_address ), DEAD_PORT );
    if ( session->kind == TOKEN_FALLBACK )
    {
        public_addresses[count] = dead_address;
        internal_addresses[count++] = dead_address;
    }
    public_addresses[count] = session->server->address;
    internal_addresses[count++] = session->kind == TOKEN_WRONG_SERVER ? dead_address : session->server->address;

    memcpy( key, demo_private_key, NETCODE_KEY_BYTES );
    if ( session->kind == TOKEN_WRONG_KEY )
        key[pick( dice, 12, NETCODE_KEY_BYTES )] ^= 1;
    if ( session->kind == TOKEN_WRONG_PROTOCOL )
        protocol_id++;

    fill_user_data( session, user_data );
    if ( netcode_generate_connect_token( count, public_addresses, internal_addresses, expire_seconds, DEMO_TIMEOUT_SECONDS,
                                         session->id, protocol_id, key, user_data, session->connect_token ) != NETCODE_OK )
        violation( "no connect token for %s", session->server->address );
    spoil_token( session, dice );
}

/*
 * After a session of the same client on the same server that has only just ended, late packets of the
 * old handshake can get in the way of the new one. That is in the nature of the protocol.
 */
static int follows_closely( const struct session_t * session )
{
    int i;
    for ( i = 0; i < world.num_sessions; i++ )
    {
        const struct session_t * other = &world.sessions[i];
        if ( other->in_use && other != session && other->client == session->client && other->server == session->server &&
             ( other->on_client || world.time - other->ended < STRAGGLER_SECONDS ) )
            return 1;
    }
    return 0;
}

/* Returns NULL if too many sessions are remembered already. */
static struct session_t * session_open( struct soak_client_t * client, struct soak_server_t * server, enum token_kind_t kind, uint64_t dice )
{
    struct session_t * session = unused_session();
    if ( !session )
        return NULL;
    memset( session, 0, sizeof( *session ) );
    session->in_use = 1;
    session->id = ++world.next_id;
    session->kind = kind;
    session->client = client;
    session->server = server;
    session->server_start = server->starts;
    session->opened = world.time;
    session->excused = follows_closely( session );
    flow_begin( &session->to_server, mix64( world.seed ^ mix64( 2 * session->id ) ) );
    flow_begin( &session->to_client, mix64( world.seed ^ mix64( 2 * session->id + 1 ) ) );
    make_token( session, dice );
    server->tokens++;
    world.statistics.opened[kind]++;
    return session;
}

/* ---- what the rules are ---------------------------------------------------------------------- */

static int was_full_since( const struct soak_server_t * server, double time )
{
    return server->last_full >= time || server->occupied == server->num_slots;
}

/* Whether what is known of the session explains that the client ends it in this state. */
static int client_end_is_explained( const struct session_t * session, int state )
{
    int works = token_should_work( session );
    switch ( state )
    {
        case NETCODE_CLIENT_STATE_DISCONNECTED:
            return session->client->leaving || ( session->connected && session->server_left );
        case NETCODE_CLIENT_STATE_CONNECTION_DENIED:
            return works && was_full_since( session->server, session->opened );
        case NETCODE_CLIENT_STATE_CONNECTION_REQUEST_TIMED_OUT:
            return session->kind != TOKEN_EXPIRED && session->kind != TOKEN_UNREADABLE && ( !works || session->excused || session->disturbed );
        case NETCODE_CLIENT_STATE_CONNECTION_RESPONSE_TIMED_OUT:
            return works && ( session->excused || session->disturbed || session->server_left );
        case NETCODE_CLIENT_STATE_CONNECTION_TIMED_OUT:
            return session->connected && ( !session->on_server || session->disturbed );
        case NETCODE_CLIENT_STATE_INVALID_CONNECT_TOKEN:
            return session->kind == TOKEN_UNREADABLE;
        case NETCODE_CLIENT_STATE_CONNECT_TOKEN_EXPIRED:
            return session->kind == TOKEN_EXPIRED;
        default:
            return 0;
    }
}

/* Likewise for the server's reason. */
static int server_end_is_explained( const struct session_t * session, int reason )
{
    switch ( reason )
    {
        case NETCODE_SERVER_CLIENT_DISCONNECT_REASON_TIMED_OUT:         return !session->on_client || session->disturbed;
        case NETCODE_SERVER_CLIENT_DISCONNECT_REASON_CLIENT_DISCONNECT: return session->client_left;
        case NETCODE_SERVER_CLIENT_DISCONNECT_REASON_SERVER_DISCONNECT: return session->server_left;
        default:                                                        return 0;
    }
}

static int frozen( double until )
{
    return world.time < until;
}

/* The server still has an older session of the same client, so the client's address is taken. */
static int address_is_taken( const struct session_t * session )
{
    int i;
    for ( i = 0; i < NETCODE_MAX_CLIENTS; i++ )
    {
        const struct session_t * other = session->server->slots[i];
        if ( other && other != session && other->client == session->client )
            return 1;
    }
    return 0;
}

/* Notes for everybody who is connecting whether there is anything in the way. */
static void excuse_sessions( void )
{
    int i;
    for ( i = 0; i < world.num_clients; i++ )
    {
        struct session_t * session = world.clients[i].session;
        const struct soak_server_t * server;
        if ( !session || session->connected )
            continue;
        server = session->server;
        session->excused |= !netcode_server_running( server->server ) || server->starts != session->server_start || frozen( server->frozen_until ) ||
                            was_full_since( server, session->opened ) || address_is_taken( session );
    }
}

/* ---- callbacks ------------------------------------------------------------------------------- */

static void client_session_ends( struct soak_client_t * client, int state )
{
    struct session_t * session = client->session;
    if ( !client_end_is_explained( session, state ) )
        violation( "client %d ended session %" PRIu64 " (%s token%s) without a cause: %s", client->number, session->id,
                   token_kind_names[session->kind], session->reused ? ", used before" : "", client_state_name( state ) );
    world.statistics.ended[state - NETCODE_CLIENT_STATE_CONNECT_TOKEN_EXPIRED]++;
    session->on_client = 0;
    session->ended = world.time;
    client->last = session;
    client->session = NULL;
}

static void client_session_connects( struct soak_client_t * client )
{
    struct session_t * session = client->session;
    if ( !token_should_work( session ) || session->admitted_start == 0 )
        violation( "client %d connected with a token (%s%s) that no server admitted", client->number,
                   token_kind_names[session->kind], session->reused ? ", used before" : "" );
    session->connected = 1;
    world.statistics.client_connects++;
}

static void on_client_state( void * context, int previous, int current )
{
    struct soak_client_t * client = (struct soak_client_t *) context;
    (void) previous;
    if ( client->next && current != NETCODE_CLIENT_STATE_DISCONNECTED )
    {
        if ( client->session )
            violation( "client %d began a session before it ended the one before", client->number );
        client->session = client->next;
        client->session->on_client = 1;
        client->next = NULL;
    }
    if ( !client->session )
        return;
    if ( current == NETCODE_CLIENT_STATE_CONNECTED )
        client_session_connects( client );
    else if ( current <= NETCODE_CLIENT_STATE_DISCONNECTED )
        client_session_ends( client, current );
}

static const char * why_not_admit( const struct soak_server_t * server, int slot, const struct session_t * session )
{
    uint8_t user_data[NETCODE_USER_DATA_BYTES];
    if ( !session )
        return "nobody knows its id";
    fill_user_data( session, user_data );
    if ( session->admitted_start == server->starts )
        return "its token was used before";
    if ( !token_should_work( session ) )
        return token_kind_names[session->kind];
    if ( session->server != server )
        return "its token is for another server";
    if ( session->on_server || server->slots[slot] )
        return "it is there already, or its slot is taken";
    if ( memcmp( netcode_server_client_user_data( server->server, slot ), user_data, sizeof( user_data ) ) != 0 )
        return "its user data is wrong";
    return NULL;
}

static void server_session_connects( struct soak_server_t * server, int slot )
{
    uint64_t id = netcode_server_client_id( server->server, slot );
    struct session_t * session = session_with_id( id );
    const char * complaint = why_not_admit( server, slot, session );
    world.statistics.server_connects++;
    server->occupied++;
    if ( server->occupied == server->num_slots )
        server->last_full = world.time;
    if ( complaint )
        violation( "server %d let session %" PRIu64 " in: %s", server->number, id, complaint );
    if ( !session )
        return;
    session->on_server = 1;
    session->admitted_start = server->starts;
    server->slots[slot] = session;
    flow_send_to_client( &session->to_client, server->server, slot, 0, world.time );    /* a callback may send */
}

static void server_session_ends( struct soak_server_t * server, int slot )
{
    struct session_t * session = server->slots[slot];
    int reason = netcode_server_client_disconnect_reason( server->server, slot );
    world.statistics.left[reason & 3]++;
    if ( server->occupied == server->num_slots )
        server->last_full = world.time;
    server->occupied--;
    server->slots[slot] = NULL;
    if ( !session || session->id != netcode_server_client_id( server->server, slot ) )
    {
        violation( "server %d lost a client from slot %d that was not in it", server->number, slot );
        return;
    }
    if ( !server_end_is_explained( session, reason ) )
        violation( "server %d ended session %" PRIu64 " without a cause: %s", server->number, session->id, disconnect_reason_name( reason ) );
    flow_send_to_client( &session->to_client, server->server, slot, 0, world.time );    /* goes out before the goodbye */
    session->on_server = 0;
    if ( !session->on_client )
        session->ended = world.time;
}

static void on_connect_disconnect( void * context, int slot, int connected )
{
    struct soak_server_t * server = (struct soak_server_t *) context;
    if ( connected )
        server_session_connects( server, slot );
    else
        server_session_ends( server, slot );
}

/* ---- what clients do ------------------------------------------------------------------------- */

static void client_create( struct soak_client_t * client )
{
    struct netcode_client_config_t config;
    char address[NETCODE_MAX_ADDRESS_STRING_LENGTH];
    netcode_default_client_config( &config );
    config.allocator_context = &world.memory;
    config.allocate_function = counted_allocate;
    config.free_function = counted_free;
    config.network_simulator = world.simulator;
    config.callback_context = client;
    config.state_change_callback = on_client_state;
    print_address( address, sizeof( address ), world.use_sockets ? 0 : CLIENT_PORT_BASE + client->number );
    client->client = netcode_client_create( address, &config, world.time );
    if ( !client->client )
        fail( client_create_error_name( netcode_client_create_error() ) );
}

/* The goodbye has to be noted first: its packets go out inside the call. */
static void client_will_leave( struct soak_client_t * client )
{
    if ( client->session )
        client->session->client_left = 1;
    client->leaving = 1;
}

static void client_destroy( struct soak_client_t * client )
{
    client_will_leave( client );
    netcode_client_destroy( client->client );
    client->client = NULL;
    client->leaving = 0;
    if ( client->session )
        violation( "client %d was destroyed and did not say that its session is over", client->number );
}

static void client_disconnect( struct soak_client_t * client )
{
    client_will_leave( client );
    netcode_client_disconnect( client->client );
    client->leaving = 0;
    if ( client->session || netcode_client_state( client->client ) > NETCODE_CLIENT_STATE_DISCONNECTED )
        violation( "client %d is not disconnected after it disconnected", client->number );
}

static void client_begin( struct soak_client_t * client, struct session_t * session )
{
    int expected = session->kind == TOKEN_UNREADABLE ? NETCODE_CLIENT_STATE_INVALID_CONNECT_TOKEN : NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST;
    client_will_leave( client );
    client->next = session;
    netcode_client_connect( client->client, session->connect_token );
    client->leaving = 0;
    if ( client->next || netcode_client_state( client->client ) != expected )
        violation( "client %d should now be in state '%s'", client->number, client_state_name( expected ) );
}

static enum token_kind_t choose_token_kind( uint64_t dice )
{
    int percent = pick( dice, 2, 100 );
    if ( percent < 75 )
        return TOKEN_GOOD;
    if ( percent < 80 )
        return TOKEN_FALLBACK;
    return (enum token_kind_t) ( TOKEN_WRONG_KEY + pick( dice, 3, TOKEN_KINDS - TOKEN_WRONG_KEY ) );
}

static void client_connect( struct soak_client_t * client, uint64_t dice )
{
    struct soak_server_t * server = &world.servers[pick( dice, 1, world.num_servers )];
    struct session_t * session = session_open( client, server, choose_token_kind( dice ), dice );
    if ( session )
        client_begin( client, session );
}

/*
 * Comes again with a token that got it in before, which must not work. Only once the first visit has
 * died away: its late packets are sealed with the same keys, and could be taken for the answer.
 */
static void client_reuse_token( struct soak_client_t * client )
{
    struct session_t * session = client->last;
    if ( !session || session->on_server || session->disturbed || session->admitted_start == 0 ||
         session->admitted_start != session->server->starts || world.time - session->ended < STRAGGLER_SECONDS )
        return;
    session->reused = 1;
    session->connected = 0;
    session->client_left = session->server_left = 0;
    world.statistics.reused++;
    client_begin( client, session );
}

/*
 * A client's timers start from its last update, so one that connects after a long time without updates
 * can time out in the first one. It gets an update before it may do anything.
 */
static int wakes_up( struct soak_client_t * client )
{
    int woke = client->frozen_until > 0.0;
    client->frozen_until = 0.0;
    return woke;
}

/* After some sessions a client waits long enough for its token to be tried again. */
static int rests( const struct soak_client_t * client )
{
    return client->last && !client->last->reused && mix64( client->last->id ) % 4 == 0 && world.time - client->last->ended < 2.0 * STRAGGLER_SECONDS;
}

static double freeze_time( uint64_t dice )
{
    world.statistics.freezes++;
    return world.time + 0.2 + 0.01 * pick( dice, 20, 800 );
}

static void client_acts( struct soak_client_t * client )
{
    uint64_t dice = throw_dice( ACTOR_CLIENT( client->number ) );
    if ( frozen( client->frozen_until ) || wakes_up( client ) )
        return;
    if ( once_in( dice, 30, 3000 ) )
    {
        client_destroy( client );
        client_create( client );
        world.statistics.objects_recreated++;
    }
    else if ( once_in( dice, 31, 3000 ) )
    {
        client->frozen_until = freeze_time( dice );
        if ( client->session )
            client->session->disturbed = 1;
    }
    else if ( client->session )
    {
        if ( once_in( dice, 32, 1500 ) )
            client_connect( client, dice );
        else if ( once_in( dice, 33, 600 ) )
            client_disconnect( client );
    }
    else if ( rests( client ) )
    {
        if ( once_in( dice, 34, 60 ) )
            client_reuse_token( client );
    }
    else if ( once_in( dice, 35, 30 ) )
        client_connect( client, dice );
}

/* ---- what servers do ------------------------------------------------------------------------- */

static void server_create( struct soak_server_t * server )
{
    struct netcode_server_config_t config;
    char address[NETCODE_MAX_ADDRESS_STRING_LENGTH];
    netcode_default_server_config( &config );
    config.protocol_id = DEMO_PROTOCOL_ID;
    memcpy( config.private_key, demo_private_key, NETCODE_KEY_BYTES );
    config.allocator_context = &world.memory;
    config.allocate_function = counted_allocate;
    config.free_function = counted_free;
    config.network_simulator = world.simulator;
    config.callback_context = server;
    config.connect_disconnect_callback = on_connect_disconnect;
    print_address( address, sizeof( address ), world.use_sockets ? 0 : SERVER_PORT_BASE + server->number );
    server->server = netcode_server_create( address, &config, world.time );
    if ( !server->server )
        fail( server_create_error_name( netcode_server_create_error() ) );
    print_address( server->address, sizeof( server->address ),
                   world.use_sockets ? netcode_server_get_port( server->server ) : SERVER_PORT_BASE + server->number );
}

static void server_start( struct soak_server_t * server, uint64_t dice )
{
    int fair_share = 1 + world.num_clients / world.num_servers;
    int slots = 1 + pick( dice, 4, 2 * fair_share );
    if ( slots > NETCODE_MAX_CLIENTS )
        slots = NETCODE_MAX_CLIENTS;
    server->starts++;
    server->tokens = 0;
    server->num_slots = slots;
    netcode_server_start( server->server, slots );
    if ( !netcode_server_running( server->server ) || netcode_server_max_clients( server->server ) != slots )
        violation( "server %d did not start with %d slots", server->number, slots );
    world.statistics.server_starts++;
}

static void server_will_disconnect_all( struct soak_server_t * server )
{
    int i;
    for ( i = 0; i < NETCODE_MAX_CLIENTS; i++ )
    {
        if ( server->slots[i] )
            server->slots[i]->server_left = 1;
    }
}

/*
 * A server that starts again has forgotten the tokens that it has seen, and accepts them again if it does
 * so within the second in which they were made. So those who are trying a used one have to give up now.
 */
static void send_reusers_away( const struct soak_server_t * server )
{
    int i;
    for ( i = 0; i < world.num_clients; i++ )
    {
        const struct session_t * session = world.clients[i].session;
        if ( session && session->server == server && session->reused )
            client_disconnect( &world.clients[i] );
    }
}

static void server_stop( struct soak_server_t * server )
{
    send_reusers_away( server );
    server_will_disconnect_all( server );
    netcode_server_stop( server->server );
    if ( netcode_server_running( server->server ) || server->occupied != 0 )
        violation( "server %d has %d clients after it stopped", server->number, server->occupied );
    server->starts++;                   /* whoever is still connecting is not to expect that it works */
}

static void server_disconnect_all( struct soak_server_t * server )
{
    server_will_disconnect_all( server );
    netcode_server_disconnect_all_clients( server->server );
    if ( server->occupied != 0 )
        violation( "server %d has %d clients after it disconnected all", server->number, server->occupied );
}

static void server_disconnect_one( struct soak_server_t * server, uint64_t dice )
{
    int slot = pick( dice, 5, netcode_server_max_clients( server->server ) );
    if ( !server->slots[slot] )
        return;
    server->slots[slot]->server_left = 1;
    netcode_server_disconnect_client( server->server, slot );
    if ( server->slots[slot] || netcode_server_client_connected( server->server, slot ) )
        violation( "server %d still has the client that it disconnected", server->number );
}

static void server_freeze( struct soak_server_t * server, uint64_t dice )
{
    int i;
    server->frozen_until = freeze_time( dice );
    for ( i = 0; i < world.num_sessions; i++ )
    {
        struct session_t * session = &world.sessions[i];
        if ( session->in_use && session->server == server && ( session->on_client || session->on_server ) )
            session->disturbed = 1;
    }
}

static void server_recreate( struct soak_server_t * server, uint64_t dice )
{
    server_stop( server );
    netcode_server_destroy( server->server );
    server_create( server );
    server_start( server, dice );
    world.statistics.objects_recreated++;
}

static void server_restart( struct soak_server_t * server, uint64_t dice )
{
    server_stop( server );
    server_start( server, dice );
}

static void server_acts( struct soak_server_t * server )
{
    uint64_t dice = throw_dice( ACTOR_SERVER( server->number ) );
    if ( frozen( server->frozen_until ) )
        return;
    if ( !netcode_server_running( server->server ) )
    {
        if ( once_in( dice, 40, 60 ) )
            server_start( server, dice );
    }
    else if ( once_in( dice, 41, 4000 ) )
        server_recreate( server, dice );
    else if ( once_in( dice, 42, 4000 ) || server->tokens >= TOKENS_PER_START )
        server_restart( server, dice );
    else if ( once_in( dice, 43, 4000 ) )
        server_stop( server );
    else if ( once_in( dice, 44, 4000 ) )
        server_disconnect_all( server );
    else if ( once_in( dice, 45, 300 ) )
        server_disconnect_one( server, dice );
    else if ( once_in( dice, 46, 4000 ) )
        server_freeze( server, dice );
}

/* ---- payloads -------------------------------------------------------------------------------- */

static void payload_is_wrong( const char * where, int number, uint64_t sequence, int bytes )
{
    world.statistics.wrong++;
    violation( "%s %d received a wrong payload: sequence %" PRIu64 ", %d bytes", where, number, sequence, bytes );
}

static void client_receives( struct soak_client_t * client )
{
    struct session_t * session = client->session ? client->session : client->last;      /* it may have ended in this very update */
    int i;
    for ( i = 0; i < MAX_WAITING_PAYLOADS; i++ )
    {
        int bytes;
        uint64_t sequence, stamp;
        uint8_t * payload = netcode_client_receive_packet( client->client, &bytes, &sequence );
        if ( !payload )
            return;
        if ( !session || !flow_received( &session->to_client, payload, bytes, sequence, &stamp ) )
            payload_is_wrong( "client", client->number, sequence, bytes );
        netcode_client_free_packet( client->client, payload );
    }
}

static void server_receives( struct soak_server_t * server, int slot )
{
    int i;
    for ( i = 0; i < MAX_WAITING_PAYLOADS; i++ )
    {
        int bytes;
        uint64_t sequence, stamp;
        uint8_t * payload = netcode_server_receive_packet( server->server, slot, &bytes, &sequence );
        if ( !payload )
            return;
        if ( !server->slots[slot] || !flow_received( &server->slots[slot]->to_server, payload, bytes, sequence, &stamp ) )
            payload_is_wrong( "server", server->number, sequence, bytes );
        netcode_server_free_packet( server->server, payload );
    }
}

/* Mostly none or one, now and then several at once. */
static int choose_num_payloads( uint64_t dice )
{
    return once_in( dice, 50, 40 ) ? 1 + pick( dice, 51, 8 ) : pick( dice, 52, 2 );
}

static void client_sends( struct soak_client_t * client )
{
    int i, count = choose_num_payloads( throw_dice( ACTOR_CLIENT_SENDS( client->number ) ) );
    if ( netcode_client_state( client->client ) != NETCODE_CLIENT_STATE_CONNECTED || !client->session )
        return;
    for ( i = 0; i < count; i++ )
        flow_send_to_server( &client->session->to_server, client->client, 0, world.time );
}

static void server_sends( struct soak_server_t * server, int slot )
{
    int i, count = choose_num_payloads( throw_dice( ACTOR_SLOT_SENDS( server->number, slot ) ) );
    for ( i = 0; i < count; i++ )
        flow_send_to_client( &server->slots[slot]->to_client, server->server, slot, 0, world.time );
}

/* ---- a tick ---------------------------------------------------------------------------------- */

static void change_network( void )
{
    uint64_t dice = throw_dice( ACTOR_NETWORK );
    uint64_t every = (uint64_t) ( NETWORK_CHANGE_SECONDS / TICK_SECONDS );
    if ( !world.simulator || world.tick % every != 0 )
        return;
    world.simulator->latency_milliseconds = (float) pick( dice, 60, 151 );
    world.simulator->jitter_milliseconds = (float) pick( dice, 61, 51 );
    world.simulator->packet_loss_percent = (float) pick( dice, 62, 11 );
    world.simulator->duplicate_packet_percent = (float) pick( dice, 63, 11 );
}

static void everybody_acts( void )
{
    int i;
    for ( i = 0; i < world.num_servers; i++ )
        server_acts( &world.servers[i] );
    for ( i = 0; i < world.num_clients; i++ )
        client_acts( &world.clients[i] );
}

static void update_server( struct soak_server_t * server )
{
    int slot;
    if ( frozen( server->frozen_until ) )
        return;
    netcode_server_update( server->server, world.time );
    if ( netcode_server_num_connected_clients( server->server ) != server->occupied )
        violation( "server %d counts %d clients, %d have come and not gone", server->number,
                   netcode_server_num_connected_clients( server->server ), server->occupied );
    for ( slot = 0; slot < netcode_server_max_clients( server->server ); slot++ )
    {
        server_receives( server, slot );
        if ( server->slots[slot] )
            server_sends( server, slot );
    }
}

static void update_client( struct soak_client_t * client )
{
    if ( frozen( client->frozen_until ) )
        return;
    netcode_client_update( client->client, world.time );
    client_receives( client );
    client_sends( client );
}

static void tick( int acting )
{
    int i;
    change_network();
    if ( acting )
        everybody_acts();
    excuse_sessions();
    if ( world.simulator )
        netcode_network_simulator_update( world.simulator, world.time );
    for ( i = 0; i < world.num_servers; i++ )
        update_server( &world.servers[i] );
    for ( i = 0; i < world.num_clients; i++ )
        update_client( &world.clients[i] );
    close_old_sessions( 2.0 * STRAGGLER_SECONDS );
    world.tick++;
    world.time += TICK_SECONDS;
}

/*
 * With sockets a tick takes its time. The world's clock counts ticks all the same: a machine that was
 * suspended for a while must not look like a dead connection.
 */
static void wait_for_next_tick( double * next_tick )
{
    if ( world.use_sockets )
        sleep_until_next_tick( next_tick, TICK_SECONDS );
}

/* ---- reports --------------------------------------------------------------------------------- */

static uint64_t sum_of( const uint64_t * numbers, int count )
{
    uint64_t sum = 0;
    int i;
    for ( i = 0; i < count; i++ )
        sum += numbers[i];
    return sum;
}

static uint64_t payloads_checked_so_far( void )
{
    uint64_t sum = world.statistics.checked;
    int i;
    for ( i = 0; i < world.num_sessions; i++ )
    {
        if ( world.sessions[i].in_use )
            sum += world.sessions[i].to_server.received + world.sessions[i].to_client.received;
    }
    return sum;
}

static void print_progress( void )
{
    int i, running = 0, connected = 0;
    for ( i = 0; i < world.num_servers; i++ )
        running += netcode_server_running( world.servers[i].server );
    for ( i = 0; i < world.num_clients; i++ )
        connected += netcode_client_state( world.clients[i].client ) == NETCODE_CLIENT_STATE_CONNECTED;
    printf( "%8.0f s  servers %d/%d  clients %3d/%-3d  sessions %" PRIu64 "  payloads %" PRIu64 "  wrong %" PRIu64 "  violations %" PRIu64 "  memory %.1f MB\n",
            world.time, running, world.num_servers, connected, world.num_clients,
            sum_of( world.statistics.opened, TOKEN_KINDS ), payloads_checked_so_far(), world.statistics.wrong, world.violations,
            (double) world.memory.bytes / 1000000.0 );
    fflush( stdout );
}

static void print_summary( void )
{
    const struct statistics_t * statistics = &world.statistics;
    int i;
    printf( "\nsessions opened: %" PRIu64 ", and %" PRIu64 " tries of a used token\n", sum_of( statistics->opened, TOKEN_KINDS ), statistics->reused );
    for ( i = 0; i < TOKEN_KINDS; i++ )
        printf( "%12" PRIu64 "  %s\n", statistics->opened[i], token_kind_names[i] );
    printf( "clients connected %" PRIu64 " times, and ended sessions so:\n", statistics->client_connects );
    for ( i = NETCODE_CLIENT_STATE_DISCONNECTED; i >= NETCODE_CLIENT_STATE_CONNECT_TOKEN_EXPIRED; i-- )
        printf( "%12" PRIu64 "  %s\n", statistics->ended[i - NETCODE_CLIENT_STATE_CONNECT_TOKEN_EXPIRED], client_state_name( i ) );
    printf( "servers admitted %" PRIu64 ", and ended sessions so:\n", statistics->server_connects );
    for ( i = 1; i < 4; i++ )
        printf( "%12" PRIu64 "  %s\n", statistics->left[i], disconnect_reason_name( i ) );
    printf( "server starts %" PRIu64 ", objects recreated %" PRIu64 ", freezes %" PRIu64 "\n",
            statistics->server_starts, statistics->objects_recreated, statistics->freezes );
    printf( "payloads sent %" PRIu64 ", checked %" PRIu64 " (%.1f MB), lost %" PRIu64 ", wrong %" PRIu64 "\n",
            statistics->sent, statistics->checked, (double) statistics->bytes / 1000000.0, statistics->sent - statistics->checked, statistics->wrong );
    printf( "allocations %" PRIu64 ", at most %.1f MB, not freed: %" PRId64 " blocks, %" PRId64 " bytes\n",
            world.memory.allocations, (double) world.memory.most_bytes / 1000000.0, world.memory.blocks, world.memory.bytes );
}

/* ---- the course of events -------------------------------------------------------------------- */

static void create_world( void )
{
    int i;
    world.num_sessions = SESSIONS_PER_CLIENT * world.num_clients;
    world.sessions = (struct session_t *) allocate_zeroed( (size_t) world.num_sessions, sizeof( struct session_t ) );
    if ( !world.use_sockets )
    {
        world.simulator = netcode_network_simulator_create( &world.memory, counted_allocate, counted_free );
        if ( !world.simulator )
            fail( "no network simulator" );
    }
    for ( i = 0; i < world.num_servers; i++ )
    {
        world.servers[i].number = i;
        world.servers[i].last_full = -1.0;
        server_create( &world.servers[i] );
        server_start( &world.servers[i], throw_dice( ACTOR_SERVER( i ) ) );
    }
    for ( i = 0; i < world.num_clients; i++ )
    {
        world.clients[i].number = i;
        client_create( &world.clients[i] );
    }
}

static void churn( double seconds )
{
    double next_tick = netcode_time(), next_report = 0.0;
    double report_every = world.use_sockets ? 1.0 : seconds / 12.0;
    if ( report_every < 1.0 )
        report_every = 1.0;
    while ( !interrupted() && world.time < seconds )
    {
        tick( 1 );
        if ( world.time >= next_report )
        {
            print_progress();
            next_report += report_every;
        }
        wait_for_next_tick( &next_tick );
    }
}

static int num_occupied( void )
{
    int i, sum = 0;
    for ( i = 0; i < world.num_servers; i++ )
        sum += world.servers[i].occupied;
    return sum;
}

/* Everybody leaves, and the servers have to notice: by the goodbye, or by the silence. */
static void drain( void )
{
    double next_tick = netcode_time(), end;
    int i;
    for ( i = 0; i < world.num_servers; i++ )
        world.servers[i].frozen_until = 0.0;
    for ( i = 0; i < world.num_clients; i++ )
    {
        world.clients[i].frozen_until = 0.0;
        client_disconnect( &world.clients[i] );
    }
    for ( end = world.time + DRAIN_SECONDS; world.time < end && ( world.time < end - DRAIN_SECONDS + STRAGGLER_SECONDS || num_occupied() > 0 ); )
    {
        tick( 0 );
        wait_for_next_tick( &next_tick );
    }
    if ( num_occupied() > 0 )
        violation( "%d clients are still on servers after everybody left", num_occupied() );
}

static void destroy_world( void )
{
    int i;
    for ( i = 0; i < world.num_clients; i++ )
    {
        client_destroy( &world.clients[i] );
        world.clients[i].last = NULL;
    }
    for ( i = 0; i < world.num_servers; i++ )
    {
        server_stop( &world.servers[i] );
        netcode_server_destroy( world.servers[i].server );
    }
    if ( world.simulator )
        netcode_network_simulator_destroy( world.simulator );
    close_old_sessions( 0.0 );
    free( world.sessions );
}

/* What has to be true when it is all over. */
static void check_the_books( void )
{
    const struct statistics_t * statistics = &world.statistics;
    if ( sum_of( statistics->opened, TOKEN_KINDS ) + statistics->reused != sum_of( statistics->ended, 7 ) )
        violation( "clients began and ended different numbers of sessions" );
    if ( statistics->server_connects != sum_of( statistics->left, 4 ) || statistics->left[0] != 0 )
        violation( "servers admitted and ended different numbers of sessions, or ended some for no reason" );
    if ( world.memory.blocks != 0 || world.memory.bytes != 0 )
        violation( "memory was not freed: %" PRId64 " blocks", world.memory.blocks );
    if ( statistics->client_connects == 0 || statistics->checked == 0 )
        violation( "nothing came through" );
}

int main( int argc, char ** argv )
{
    int log_level = NETCODE_LOG_LEVEL_NONE;
    double seconds = 60.0;
    const struct option_t options[] =
    {
        { "--seconds", OPTION_NUMBER,  &seconds,           5, 1e9, "how long, in virtual time unless --sockets (60)" },
        { "--seed",    OPTION_SEED,    &world.seed,        0, 0, "what to do follows from it (1)" },
        { "--clients", OPTION_INTEGER, &world.num_clients, 1, MAX_CLIENTS, "number of clients (32)" },
        { "--servers", OPTION_INTEGER, &world.num_servers, 1, MAX_SERVERS, "number of servers (4)" },
        { "--sockets", OPTION_FLAG,    &world.use_sockets, 0, 0, "real UDP on loopback, in real time" },
        { "--ipv6",    OPTION_FLAG,    &world.use_ipv6,    0, 0, "IPv6 addresses" },
        { "--log",     OPTION_INTEGER, &log_level,         0, 3, "netcode's own messages: 0 none, 1 errors, 2 events, 3 every packet (0)" }
    };

    world.seed = 1;
    world.num_clients = 32;
    world.num_servers = 4;
    options_parse( argc, argv, "random churn, with every payload checked", options, OPTION_COUNT( options ) );
    library_begin( log_level );
    netcode_set_assert_function( on_assert );
    catch_interrupts();
    printf( "seed %" PRIu64 ", %d clients, %d servers, %s, %.0f s\n", world.seed, world.num_clients, world.num_servers,
            world.use_sockets ? "UDP" : "network simulator", seconds );

    create_world();
    churn( seconds );
    drain();
    destroy_world();
    check_the_books();
    netcode_term();

    print_summary();
    printf( "violations: %" PRIu64 "%s\n", world.violations, world.violations ? "" : ", all well" );
    return world.violations ? EXIT_FAILURE : EXIT_SUCCESS;
}
