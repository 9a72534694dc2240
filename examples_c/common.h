/*
 * What the example programs share: the demo key, options, names for states and reasons, and payloads
 * that can be checked on arrival. Nothing in here is needed to use netcode.
 */
#ifndef NETCODE_EXAMPLES_COMMON_H
#define NETCODE_EXAMPLES_COMMON_H

#include <netcode.h>

#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(_WIN32)
#include <io.h>
#else
#include <unistd.h>
#endif

/* ---- the demo's secrets ---------------------------------------------------------------------- */

/* Identifies the game and its version: servers ignore tokens made for another one. */
#define DEMO_PROTOCOL_ID UINT64_C( 0x6e6574636f646531 )

/*
 * The key shared by the dedicated servers and the backend that hands out connect tokens. Whoever has
 * it can let anybody in and read every session, so a real one is random, stays on your servers, and
 * is never compiled into a client. This one is public, and good for demonstrations only.
 */
static const uint8_t demo_private_key[NETCODE_KEY_BYTES] =
{
    0x3d, 0x91, 0x5e, 0xc4, 0x08, 0xa7, 0x72, 0x1b, 0xe6, 0x4f, 0x2a, 0xd9, 0x80, 0x35, 0xfc, 0x63,
    0x17, 0xb8, 0x9c, 0x40, 0xeb, 0x56, 0x0d, 0xa2, 0x7f, 0xc1, 0x38, 0x94, 0x6b, 0xd0, 0x25, 0xfe
};

/*
 * Seconds that a token may be used for. Not shorter than the servers' max_connect_token_lifetime:
 * a server that has just started refuses every token that would have expired before that, since it
 * may have been used up before the start.
 */
#define DEMO_TOKEN_SECONDS NETCODE_DEFAULT_MAX_CONNECT_TOKEN_LIFETIME

/* Seconds of silence after which either end gives the other one up. */
#define DEMO_TIMEOUT_SECONDS 5

/*
 * Makes a connect token for one server. In production this runs in your backend, which knows who the
 * player is, and the client gets the 2048 bytes over HTTPS.
 *
 * The client connects to `public_address`; the server must have been created with `internal_address`.
 * They differ only where the server sits behind address translation.
 */
static inline int demo_connect_token( const char * public_address, const char * internal_address, uint64_t client_id, uint8_t * connect_token )
{
    return netcode_generate_connect_token( 1, &public_address, &internal_address, DEMO_TOKEN_SECONDS, DEMO_TIMEOUT_SECONDS,
                                           client_id, DEMO_PROTOCOL_ID, demo_private_key, NULL, connect_token );
}

/* ---- starting and stopping ------------------------------------------------------------------- */

static volatile sig_atomic_t demo_interrupted;

static inline void demo_on_signal( int signal_number )
{
    signal( signal_number, demo_on_signal );    /* some systems forget a handler once it has run */
    demo_interrupted = 1;
}

static inline int interrupted( void )
{
    return demo_interrupted != 0;
}

/* Ctrl-C makes interrupted() true, so that a program can say goodbye to its peers. */
static inline void catch_interrupts( void )
{
    signal( SIGINT, demo_on_signal );
    signal( SIGTERM, demo_on_signal );
}

static inline void fail( const char * what )
{
    fprintf( stderr, "error: %s\n", what );
    exit( EXIT_FAILURE );
}

static inline void library_begin( int log_level )
{
    if ( netcode_init() != NETCODE_OK )
        fail( "netcode could not be initialised" );
    netcode_log_level( log_level );
}

static inline void * allocate_zeroed( size_t count, size_t bytes )
{
    void * memory = calloc( count, bytes );
    if ( !memory )
        fail( "out of memory" );
    return memory;
}

/* Runs a loop at an even rate. A loop that fell behind goes on from now instead of racing to catch up. */
static inline void sleep_until_next_tick( double * next_tick, double tick_seconds )
{
    double now = netcode_time();
    *next_tick += tick_seconds;
    if ( *next_tick > now )
        netcode_sleep( *next_tick - now );
    else
        *next_tick = now;
}

static inline int stdout_is_terminal( void )
{
#if defined(_WIN32)
    return _isatty( 1 ) != 0;
#else
    return isatty( STDOUT_FILENO ) != 0;
#endif
}

/* ---- options --------------------------------------------------------------------------------- */

enum option_type_t
{
    OPTION_FLAG,        /* value is an int, set to 1 */
    OPTION_INTEGER,     /* int */
    OPTION_NUMBER,      /* double */
    OPTION_SEED,        /* uint64_t, decimal or 0x... */
    OPTION_TEXT         /* const char * */
};

struct option_t
{
    const char * name;
    enum option_type_t type;
    void * value;               /* holds the default when parsing starts */
    double minimum, maximum;    /* of integers and numbers */
    const char * help;
};

#define OPTION_COUNT( options ) ( (int) ( sizeof( options ) / sizeof( ( options )[0] ) ) )

static inline void options_print( const char * program, const char * purpose, const struct option_t * options, int count )
{
    int i;
    printf( "%s: %s\n", program, purpose );
    for ( i = 0; i < count; i++ )
        printf( "  %-12s %-6s %s\n", options[i].name, options[i].type == OPTION_FLAG ? "" : "VALUE", options[i].help );
}

/* Returns 1 if the text is a value that the option takes, and stores it. */
static inline int option_set( const struct option_t * option, const char * text )
{
    char * end = NULL;
    if ( option->type == OPTION_TEXT )
    {
        *(const char **) option->value = text;
        return 1;
    }
    if ( option->type == OPTION_SEED )
    {
        *(uint64_t *) option->value = strtoull( text, &end, 0 );
        return end != text && *end == '\0';
    }
    {
        double number = strtod( text, &end );
        if ( end == text || *end != '\0' || !( number >= option->minimum && number <= option->maximum ) )
            return 0;
        if ( option->type == OPTION_NUMBER )
            *(double *) option->value = number;
        else if ( number == (double) (int) number )
            *(int *) option->value = (int) number;
        else
            return 0;
        return 1;
    }
}

static inline const struct option_t * option_find( const char * name, const struct option_t * options, int count )
{
    int i;
    for ( i = 0; i < count; i++ )
    {
        if ( strcmp( options[i].name, name ) == 0 )
            return &options[i];
    }
    return NULL;
}

/* Fills in the options' values from the command line. Explains itself and exits on --help and on mistakes. */
static inline void options_parse( int argc, char ** argv, const char * purpose, const struct option_t * options, int count )
{
    int i;
    for ( i = 1; i < argc; i++ )
    {
        const struct option_t * option = option_find( argv[i], options, count );
        if ( !option )
        {
            int help = strcmp( argv[i], "--help" ) == 0;
            if ( !help )
                fprintf( stderr, "unknown option: %s\n", argv[i] );
            options_print( argv[0], purpose, options, count );
            exit( help ? EXIT_SUCCESS : EXIT_FAILURE );
        }
        if ( option->type == OPTION_FLAG )
        {
            *(int *) option->value = 1;
            continue;
        }
        if ( i + 1 == argc || !option_set( option, argv[i + 1] ) )
        {
            fprintf( stderr, "%s needs a valid value: %s\n", option->name, option->help );
            exit( EXIT_FAILURE );
        }
        i++;
    }
}

/* ---- names ----------------------------------------------------------------------------------- */

static inline const char * client_state_name( int state )
{
    switch ( state )
    {
        case NETCODE_CLIENT_STATE_CONNECT_TOKEN_EXPIRED:            return "connect token expired";
        case NETCODE_CLIENT_STATE_INVALID_CONNECT_TOKEN:            return "invalid connect token";
        case NETCODE_CLIENT_STATE_CONNECTION_TIMED_OUT:             return "connection timed out";
        case NETCODE_CLIENT_STATE_CONNECTION_RESPONSE_TIMED_OUT:    return "connection response timed out";
        case NETCODE_CLIENT_STATE_CONNECTION_REQUEST_TIMED_OUT:     return "connection request timed out";
        case NETCODE_CLIENT_STATE_CONNECTION_DENIED:                return "connection denied";
        case NETCODE_CLIENT_STATE_DISCONNECTED:                     return "disconnected";
        case NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST:       return "sending connection request";
        case NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE:      return "sending connection response";
        case NETCODE_CLIENT_STATE_CONNECTED:                        return "connected";
        default:                                                    return "unknown state";
    }
}

static inline const char * disconnect_reason_name( int reason )
{
    switch ( reason )
    {
        case NETCODE_SERVER_CLIENT_DISCONNECT_REASON_NONE:              return "no reason";
        case NETCODE_SERVER_CLIENT_DISCONNECT_REASON_TIMED_OUT:         return "timed out";
        case NETCODE_SERVER_CLIENT_DISCONNECT_REASON_CLIENT_DISCONNECT: return "client left";
        case NETCODE_SERVER_CLIENT_DISCONNECT_REASON_SERVER_DISCONNECT: return "disconnected by the server";
        default:                                                        return "unknown reason";
    }
}

static inline const char * client_create_error_name( int error )
{
    switch ( error )
    {
        case NETCODE_CLIENT_CREATE_ERROR_PARSE_ADDRESS_FAILED:      return "address does not parse";
        case NETCODE_CLIENT_CREATE_ERROR_PARSE_ADDRESS2_FAILED:     return "second address does not parse";
        case NETCODE_CLIENT_CREATE_ERROR_SIMULATOR_REQUIRES_PORT:   return "the network simulator needs a port";
        case NETCODE_CLIENT_CREATE_ERROR_CREATE_SOCKET_IPV4_FAILED: return "no IPv4 socket";
        case NETCODE_CLIENT_CREATE_ERROR_CREATE_SOCKET_IPV6_FAILED: return "no IPv6 socket";
        case NETCODE_CLIENT_CREATE_ERROR_ALLOCATE_CLIENT_FAILED:    return "out of memory";
        case NETCODE_CLIENT_CREATE_ERROR_MISSING_OVERRIDE_CALLBACK: return "an override callback is missing";
        default:                                                    return "client could not be created";
    }
}

static inline const char * server_create_error_name( int error )
{
    switch ( error )
    {
        case NETCODE_SERVER_CREATE_ERROR_PARSE_ADDRESS_FAILED:      return "address does not parse";
        case NETCODE_SERVER_CREATE_ERROR_PARSE_ADDRESS2_FAILED:     return "second address does not parse";
        case NETCODE_SERVER_CREATE_ERROR_CREATE_SOCKET_IPV4_FAILED: return "no IPv4 socket";
        case NETCODE_SERVER_CREATE_ERROR_CREATE_SOCKET_IPV6_FAILED: return "no IPv6 socket";
        case NETCODE_SERVER_CREATE_ERROR_BIND_SOCKET_IPV4_FAILED:   return "the IPv4 port is taken";
        case NETCODE_SERVER_CREATE_ERROR_BIND_SOCKET_IPV6_FAILED:   return "the IPv6 port is taken";
        case NETCODE_SERVER_CREATE_ERROR_ALLOCATE_SERVER_FAILED:    return "out of memory";
        case NETCODE_SERVER_CREATE_ERROR_MISSING_OVERRIDE_CALLBACK: return "an override callback is missing";
        default:                                                    return "server could not be created";
    }
}

/* ---- random numbers -------------------------------------------------------------------------- */

/* A good hash of 64 bits, and with a counter a good generator. Repeatable, and nothing for secrets. */
static inline uint64_t mix64( uint64_t x )
{
    x += UINT64_C( 0x9e3779b97f4a7c15 );
    x = ( x ^ ( x >> 30 ) ) * UINT64_C( 0xbf58476d1ce4e5b9 );
    x = ( x ^ ( x >> 27 ) ) * UINT64_C( 0x94d049bb133111eb );
    return x ^ ( x >> 31 );
}

/* ---- payloads that can be checked ------------------------------------------------------------ */

/*
 * A payload is a function of a seed, its size and a stamp, so that the receiver notices bytes that
 * changed, are missing, or were meant for somebody else. The stamp (say, a time) travels in the first
 * eight bytes of payloads that have room for it and for at least as many bytes that protect it.
 */
#define PAYLOAD_STAMP_BYTES 8
#define PAYLOAD_STAMPED_MINIMUM ( 2 * PAYLOAD_STAMP_BYTES )

/* The receive queues hold this many payloads, so no more can be waiting after an update. */
#define MAX_WAITING_PAYLOADS 256

static inline void payload_fill( uint8_t * data, int bytes, uint64_t seed, uint64_t stamp )
{
    int i, first = bytes >= PAYLOAD_STAMPED_MINIMUM ? PAYLOAD_STAMP_BYTES : 0;
    uint64_t block, word = 0;
    for ( i = 0; i < first; i++ )
        data[i] = (uint8_t) ( stamp >> ( 8 * i ) );
    block = mix64( seed ^ mix64( first ? stamp : 0 ) ) + (uint64_t) bytes;
    for ( i = first; i < bytes; i++ )
    {
        if ( i % 8 == 0 )
            word = mix64( block += UINT64_C( 0x9e3779b97f4a7c15 ) );
        data[i] = (uint8_t) ( word >> ( 8 * ( i % 8 ) ) );
    }
}

/* Returns 1 if the payload is what payload_fill() made, with the stamp that it carries, or 0 for none. */
static inline int payload_check( const uint8_t * data, int bytes, uint64_t seed, uint64_t * stamp )
{
    uint8_t expected[NETCODE_MAX_PACKET_SIZE];
    int i;
    *stamp = 0;
    if ( bytes < 1 || bytes > NETCODE_MAX_PACKET_SIZE )
        return 0;
    for ( i = 0; bytes >= PAYLOAD_STAMPED_MINIMUM && i < PAYLOAD_STAMP_BYTES; i++ )
        *stamp |= (uint64_t) data[i] << ( 8 * i );
    payload_fill( expected, bytes, seed, *stamp );
    return memcmp( data, expected, (size_t) bytes ) == 0;
}

/* Times as stamps, in microseconds. */
static inline uint64_t stamp_from_seconds( double seconds )
{
    return (uint64_t) ( seconds * 1000000.0 );
}

static inline double seconds_from_stamp( uint64_t stamp )
{
    return (double) stamp / 1000000.0;
}

/* ---- flows: one direction of one connection, both ends in this process ----------------------- */

/*
 * Remembers what was sent under which sequence number, so that on arrival the size and the content
 * are known beforehand and a payload that arrives twice is noticed, even one of a single byte.
 * The window is larger than netcode's own replay window of 256, so anything that netcode still
 * delivers is still remembered.
 */
#define FLOW_WINDOW 512

struct flow_slot_t
{
    uint64_t sequence;
    uint64_t seed;
    double sent_at;
    int bytes;              /* 0: nothing on its way */
};

struct flow_t
{
    uint64_t seed;
    uint64_t sent, received, wrong, overtaken;
    uint64_t bytes_sent, bytes_received;
    struct flow_slot_t slots[FLOW_WINDOW];
};

static inline void flow_begin( struct flow_t * flow, uint64_t seed )
{
    memset( flow, 0, sizeof( *flow ) );
    flow->seed = seed;
}

/* Makes the next payload, of a size that looks random in 1..1200, and returns its size. */
static inline int flow_make( const struct flow_t * flow, uint64_t stamp, uint8_t * data )
{
    uint64_t seed = mix64( flow->seed + flow->sent );
    int bytes = 1 + (int) ( seed % NETCODE_MAX_PACKET_SIZE );
    payload_fill( data, bytes, seed, stamp );
    return bytes;
}

static inline void flow_sent( struct flow_t * flow, uint64_t sequence, int bytes, double time )
{
    struct flow_slot_t * slot = &flow->slots[sequence % FLOW_WINDOW];
    if ( slot->bytes )
        flow->overtaken++;
    slot->sequence = sequence;
    slot->seed = mix64( flow->seed + flow->sent );
    slot->sent_at = time;
    slot->bytes = bytes;
    flow->sent++;
    flow->bytes_sent += (uint64_t) bytes;
}

/* Returns 1 if this payload was sent, has not arrived before, and is intact. */
static inline int flow_received( struct flow_t * flow, const uint8_t * data, int bytes, uint64_t sequence, uint64_t * stamp )
{
    struct flow_slot_t * slot = &flow->slots[sequence % FLOW_WINDOW];
    *stamp = 0;
    if ( slot->bytes == 0 || slot->sequence != sequence || slot->bytes != bytes || !payload_check( data, bytes, slot->seed, stamp ) )
    {
        flow->wrong++;
        return 0;
    }
    slot->bytes = 0;
    flow->received++;
    flow->bytes_received += (uint64_t) bytes;
    return 1;
}

/* Payloads sent before `time` that have not arrived. */
static inline uint64_t flow_missing( const struct flow_t * flow, double time )
{
    uint64_t missing = flow->overtaken;
    int i;
    for ( i = 0; i < FLOW_WINDOW; i++ )
        missing += flow->slots[i].bytes && flow->slots[i].sent_at < time;
    return missing;
}

/*
 * Sending shows in the sequence number. It is read after the send, since a server may put a keep-alive,
 * which takes a number too, before the payload.
 */
static inline int flow_send_to_server( struct flow_t * flow, struct netcode_client_t * client, uint64_t stamp, double time )
{
    uint8_t payload[NETCODE_MAX_PACKET_SIZE];
    uint64_t before = netcode_client_next_packet_sequence( client ), after;
    int bytes = flow_make( flow, stamp, payload );
    netcode_client_send_packet( client, payload, bytes );
    after = netcode_client_next_packet_sequence( client );
    if ( after == before )
        return 0;
    flow_sent( flow, after - 1, bytes, time );
    return 1;
}

static inline int flow_send_to_client( struct flow_t * flow, struct netcode_server_t * server, int client_index, uint64_t stamp, double time )
{
    uint8_t payload[NETCODE_MAX_PACKET_SIZE];
    uint64_t before = netcode_server_next_packet_sequence( server, client_index ), after;
    int bytes = flow_make( flow, stamp, payload );
    netcode_server_send_packet( server, client_index, payload, bytes );
    after = netcode_server_next_packet_sequence( server, client_index );
    if ( after == before )
        return 0;
    flow_sent( flow, after - 1, bytes, time );
    return 1;
}

#endif
