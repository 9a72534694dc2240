/*
 * What the files of the soak test share. From the outside in:
 *
 *     soak.c      options, epochs, the tick, the summary
 *     client.c    what clients do, and what they are told
 *     server.c    what servers do, and what they are told
 *     flood.c     an attacker
 *     session.c   connect tokens, and which endings have a reason
 *     wire.c      network simulator, overrides, plain sockets, and what is captured on the way
 *     books.c     violations, history, memory, descriptors, chance
 *     clock.c     the wall clock
 */
#ifndef NETCODE_EXAMPLES_SOAK_H
#define NETCODE_EXAMPLES_SOAK_H

#include "../common.h"

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

struct netcode_network_simulator_t * netcode_network_simulator_create( void * allocator_context,
                                                                       void * (*allocate_function)( void *, size_t ),
                                                                       void (*free_function)( void *, void * ) );
void netcode_network_simulator_destroy( struct netcode_network_simulator_t * network_simulator );
void netcode_network_simulator_update( struct netcode_network_simulator_t * network_simulator, double time );
void netcode_network_simulator_send_packet( struct netcode_network_simulator_t * network_simulator,
                                            struct netcode_address_t * from, struct netcode_address_t * to,
                                            uint8_t * packet_data, int packet_bytes );
int netcode_network_simulator_receive_packets( struct netcode_network_simulator_t * network_simulator,
                                               struct netcode_address_t * to, int max_packets, uint8_t ** packet_data,
                                               int * packet_bytes, struct netcode_address_t * from );

/* ---- the world ------------------------------------------------------------------------------- */

#define MAX_SERVERS 16
#define MAX_CLIENTS 256
#define SESSIONS_PER_CLIENT 64
#define TICK_SECONDS ( 1.0 / 60.0 )
#define MAX_DATAGRAM_BYTES 1300

/* Longer than any packet stays under way: latency, jitter, and a second for a duplicate. */
#define STRAGGLER_SECONDS 2.0

/* How long the attacker uses what he has captured. */
#define CAPTURE_SECONDS 8.0

/* A handshake's keys stay on the server for the timeout, so what the attacker repeats can complete one so late. */
#define SESSION_MEMORY_SECONDS ( CAPTURE_SECONDS + 2.0 * DEMO_TIMEOUT_SECONDS )

/* Nobody listens there, neither in the simulator nor, in all likelihood, on this machine. */
#define DEAD_PORT 1

enum token_kind_t
{
    TOKEN_GOOD,
    TOKEN_FALLBACK,             /* good; the first of its two servers does not exist */
    TOKEN_SHORT,                /* good for a few seconds, which a server that has just started does not accept */
    TOKEN_WRONG_KEY,
    TOKEN_WRONG_PROTOCOL,
    TOKEN_WRONG_SERVER,         /* made for another server */
    TOKEN_TAMPERED,             /* a bit of the private part is flipped */
    TOKEN_STALE,                /* expired before the client had it */
    TOKEN_EXPIRED,              /* good for no time at all, which the client notices itself */
    TOKEN_UNREADABLE,
    TOKEN_STOLEN,               /* somebody else has come in with it */
    TOKEN_LOOPBACK,             /* none: a client in the server's process */
    TOKEN_KINDS
};

/* What has happened that can end a session, or keep it from beginning. Noted before it takes effect. */
enum cause_t
{
    CAUSE_CLIENT_LEFT   = 1 << 0,
    CAUSE_SERVER_LEFT   = 1 << 1,
    CAUSE_SERVER_GONE   = 1 << 2,       /* not running, or started anew since the token was made */
    CAUSE_SERVER_YOUNG  = 1 << 3,       /* the token could have been used before the server's start */
    CAUSE_SERVER_FULL   = 1 << 4,
    CAUSE_FROZEN        = 1 << 5,       /* an end got no updates for a while */
    CAUSE_BLACKOUT      = 1 << 6,       /* the network lost everything for a while */
    CAUSE_ADDRESS_TAKEN = 1 << 7,       /* the server has an older session of this client's address */
    CAUSE_STRAGGLERS    = 1 << 8,       /* packets of this client's handshake before may still arrive */
    CAUSE_REPLAYED      = 1 << 9        /* the attacker repeated packets while the handshake was under way */
};

#define NUM_CAUSES 10

struct memory_t
{
    int64_t blocks, bytes, most_bytes;
    uint64_t allocations;
};

/* What clients and servers have in common. It comes first in both, being the context of the overrides. */
struct endpoint_t
{
    struct netcode_address_t address;
    int is_server;
    int overrides;              /* sends and receives through wire.c */
    int plain_socket;           /* of an endpoint with overrides, when there is real UDP; else -1 */
    int hooked;                 /* has its memory counted */
    int instance;               /* how often it has been created */
    struct memory_t memory;
};

struct soak_client_t;
struct soak_server_t;

/* The large part of a session. */
struct parcel_t
{
    uint8_t connect_token[NETCODE_CONNECT_TOKEN_BYTES];
    struct flow_t to_server, to_client;
};

/* One connect token and all that comes of it. */
struct session_t
{
    int in_use;
    uint64_t id;                        /* the client id in the token */
    enum token_kind_t kind;
    struct soak_client_t * client;
    struct soak_server_t * server;
    int attempt;                        /* which use of the token this is, from 1 */
    int server_start;                   /* which start of the server it was opened under */
    int admitted_start;                 /* which start of the server admitted it, 0 for none */
    int admitted_attempt;
    int on_client, on_server;           /* which ends have it at the moment */
    int connected;                      /* the client got through */
    unsigned causes;                    /* of this attempt */
    double opened, ended, replayed;
    struct parcel_t * parcel;
};

#define HISTORY_LINES 40
#define HISTORY_LINE_BYTES 112

struct history_t
{
    unsigned count;
    char lines[HISTORY_LINES][HISTORY_LINE_BYTES];
};

struct soak_client_t
{
    struct endpoint_t endpoint;
    int number;
    struct netcode_client_t * client;
    struct session_t * session;         /* the current one */
    struct session_t * next;            /* becomes current inside netcode_client_connect() */
    struct session_t * last;            /* may be tried again */
    int leaving;                        /* a call that ends the session is under way */
    double frozen_until;
    struct history_t history;
};

struct soak_server_t
{
    struct endpoint_t endpoint;
    int number;
    struct netcode_server_t * server;
    char address[NETCODE_MAX_ADDRESS_STRING_LENGTH];
    int starts;                         /* counts, so that each has a number of its own */
    int64_t start_wall;                 /* the wall clock at the last */
    int tokens;                         /* made for it since then */
    int num_slots, occupied, loopbacks;
    double last_full;
    double frozen_until;
    struct session_t * slots[NETCODE_MAX_CLIENTS];
};

enum flood_kind_t
{
    FLOOD_GARBAGE,              /* random bytes of random sizes */
    FLOOD_FORGED_REQUESTS,      /* all right but for the private part */
    FLOOD_FORGED_PACKETS,       /* under the address of a client or server that is there */
    FLOOD_REPLAY,               /* what was captured, again, from where it came */
    FLOOD_REPLAY_ELSEWHERE,     /* the same, from and to others */
    FLOOD_DAMAGED,              /* the same from where it came, with a bit flipped */
    FLOOD_KINDS
};

#define NUM_CLIENT_ENDS ( NETCODE_CLIENT_STATE_DISCONNECTED - NETCODE_CLIENT_STATE_CONNECT_TOKEN_EXPIRED + 1 )

struct statistics_t
{
    uint64_t opened[TOKEN_KINDS];
    uint64_t used_again, retried;
    uint64_t ended[TOKEN_KINDS][NUM_CLIENT_ENDS];
    uint64_t client_connects, server_connects;
    uint64_t left[4];                   /* by disconnect reason */
    uint64_t server_starts, servers_recreated, clients_recreated, freezes, blackouts;
    uint64_t floods[FLOOD_KINDS], flood_packets, flood_bytes, captured;
    uint64_t sent, checked, wrong, bytes;
    uint64_t ticks;
};

struct world_t
{
    int num_clients, num_servers, use_sockets, use_ipv6;
    int wall_is_ours;                   /* see clock.c */
    int acting;                         /* 0 while everybody is to come to rest */
    uint64_t seed;
    double time;
    double blackout_until;
    uint64_t tick;
    uint64_t next_id;
    uint64_t course;                    /* a hash of all that has happened: the same for the same seed */
    int num_sessions;
    struct netcode_network_simulator_t * simulator;
    struct session_t * sessions;
    struct soak_client_t clients[MAX_CLIENTS];
    struct soak_server_t servers[MAX_SERVERS];
    struct statistics_t statistics;
    struct memory_t memory, simulator_memory;
    uint64_t violations;
};

extern struct world_t world;
extern const char * const token_kind_names[TOKEN_KINDS];
extern const char * const flood_kind_names[FLOOD_KINDS];

/* ---- books.c --------------------------------------------------------------------------------- */

#if defined(__GNUC__)
#define LIKE_PRINTF( text, first ) __attribute__(( format( printf, text, first ) ))
#else
#define LIKE_PRINTF( text, first )
#endif

/* The client, if not NULL, is the one whose history is printed. */
void violation( const struct soak_client_t * client, const char * format, ... ) LIKE_PRINTF( 2, 3 );
void history_note( struct soak_client_t * client, const char * format, ... ) LIKE_PRINTF( 2, 3 );
void on_assert( const char * condition, const char * function, const char * file, int line );

/* Adds to the hash of what has happened. */
void course_note( uint64_t what, uint64_t a, uint64_t b );

void * counted_allocate( void * context, size_t bytes );
void counted_free( void * context, void * pointer );
void memory_check( const struct memory_t * memory, const char * what, int number );

int count_descriptors( void );          /* -1 where that cannot be known; likewise below */
int64_t resident_bytes( void );
int64_t heap_bytes( void );             /* all that malloc has given and not taken back, whoever asked for it */

int on_log( const char * format, ... );
void print_ignored( void );

uint64_t throw_dice( uint64_t actor );
int pick( uint64_t dice, uint64_t which, int limit );
int once_in( uint64_t dice, uint64_t which, int ticks );

#define ACTOR_NETWORK UINT64_C( 1 )
#define ACTOR_FLOOD UINT64_C( 2 )
#define ACTOR_CLIENT( number ) ( (uint64_t) ( 1000 + ( number ) ) )
#define ACTOR_SERVER( number ) ( (uint64_t) ( 2000 + ( number ) ) )
#define ACTOR_CLIENT_SENDS( number ) ( (uint64_t) ( 3000 + ( number ) ) )
#define ACTOR_SLOT_SENDS( number, slot ) ( (uint64_t) ( 10000 + 1000 * ( number ) + ( slot ) ) )

/* ---- clock.c --------------------------------------------------------------------------------- */

void wall_begin( void );
void wall_set( double time );
int64_t wall_seconds( void );

/* ---- wire.c ---------------------------------------------------------------------------------- */

#define MAX_CAPTURES 1024
#define NUM_ATTACKERS 4

struct capture_t
{
    double time;
    struct endpoint_t * from;
    int instance;
    struct netcode_address_t from_address, to;
    uint64_t session_id;
    int attempt;
    int bytes;
    uint8_t data[MAX_DATAGRAM_BYTES];
};

void wire_create( void );
void wire_destroy( void );
void wire_tick( void );
int wire_can_override( void );
void wire_open( struct endpoint_t * endpoint, int simulator_port );
void wire_close( struct endpoint_t * endpoint );
void wire_send( void * context, struct netcode_address_t * to, const uint8_t * data, int bytes );
int wire_receive( void * context, struct netcode_address_t * from, uint8_t * data, int max_bytes );

/* Under the address of an endpoint, or of an attacker. 0 if that cannot be done. */
int wire_forge( struct endpoint_t * from, struct netcode_address_t * to, const uint8_t * data, int bytes );
int wire_attack( int attacker, struct netcode_address_t * to, const uint8_t * data, int bytes );

const struct capture_t * wire_captured( int number );
struct soak_client_t * client_at( struct netcode_address_t * address );
void print_address( char * text, size_t size, int port );

/* ---- session.c ------------------------------------------------------------------------------- */

struct session_t * session_open( struct soak_client_t * client, struct soak_server_t * server, enum token_kind_t kind, uint64_t dice );
struct session_t * session_steal( struct soak_client_t * thief, uint64_t dice );
int session_is_used_up( const struct session_t * session );
struct session_t * session_with_id( uint64_t id );
void session_cause( struct session_t * session, unsigned causes );
void session_causes_of_server( struct soak_server_t * server, unsigned causes );
void fill_user_data( const struct session_t * session, uint8_t * user_data );
void close_old_sessions( double age );
int session_should_work( const struct session_t * session );
int client_end_is_explained( const struct session_t * session, int state );
int server_end_is_explained( const struct session_t * session, int reason );
void session_note_obstacles( struct session_t * session );
void note_obstacles( void );
int frozen( double until );

/* ---- client.c -------------------------------------------------------------------------------- */

void client_create( struct soak_client_t * client );
void client_destroy( struct soak_client_t * client );
void client_disconnect( struct soak_client_t * client );
int client_must_stay( const struct soak_client_t * client );
void client_leave_loopback( struct soak_client_t * client );
void client_send_loopback( void * context, int client_index, const uint8_t * data, int bytes, uint64_t sequence );
void client_acts( struct soak_client_t * client );
void client_update( struct soak_client_t * client );

/* ---- server.c -------------------------------------------------------------------------------- */

void server_create( struct soak_server_t * server );
void server_start( struct soak_server_t * server, uint64_t dice );
void server_stop( struct soak_server_t * server );
void server_destroy( struct soak_server_t * server );
void server_acts( struct soak_server_t * server );
void server_update( struct soak_server_t * server );
int server_free_slot( const struct soak_server_t * server );
void server_send_loopback( void * context, int client_index, const uint8_t * data, int bytes, uint64_t sequence );

/* ---- flood.c --------------------------------------------------------------------------------- */

void flood_tick( void );

#endif
