/*
 * A client for server.c: connects, sends payloads at 60 Hz, and checks what comes back.
 * Exits with 0 if it connected, stayed connected, and every payload that came back was intact.
 *
 *     client --server 127.0.0.1:40000
 */
#include "common.h"

#define TICK_SECONDS ( 1.0 / 60.0 )

/* Time for the last echoes to arrive before leaving. */
#define GRACE_SECONDS 0.5

struct echo_client_t
{
    struct netcode_client_t * client;
    uint64_t id;
    uint64_t sent, received, wrong;
    double round_trips;         /* sum, in seconds */
};

static void on_state_change( void * context, int previous, int current )
{
    (void) context;
    printf( "%s -> %s\n", client_state_name( previous ), client_state_name( current ) );
    fflush( stdout );
}

/* The stamp is the time of sending, so an echo tells how long it took. */
static void send_payload( struct echo_client_t * echo, double time )
{
    uint8_t payload[NETCODE_MAX_PACKET_SIZE];
    int range = NETCODE_MAX_PACKET_SIZE - PAYLOAD_STAMPED_MINIMUM + 1;
    int bytes = PAYLOAD_STAMPED_MINIMUM + (int) ( mix64( echo->id + echo->sent ) % (uint64_t) range );
    payload_fill( payload, bytes, echo->id, stamp_from_seconds( time ) );
    netcode_client_send_packet( echo->client, payload, bytes );
    echo->sent++;
}

static void receive_payloads( struct echo_client_t * echo, double time )
{
    int i;
    for ( i = 0; i < MAX_WAITING_PAYLOADS; i++ )
    {
        int bytes;
        uint64_t stamp;
        uint8_t * payload = netcode_client_receive_packet( echo->client, &bytes, NULL );
        if ( !payload )
            return;
        if ( payload_check( payload, bytes, echo->id, &stamp ) )
        {
            echo->received++;
            echo->round_trips += time - seconds_from_stamp( stamp );
        }
        else
        {
            echo->wrong++;
        }
        netcode_client_free_packet( echo->client, payload );
    }
}

/* Returns 1 if the client was connected to the end. */
static int run( struct echo_client_t * echo, double seconds )
{
    double start = netcode_time(), next_tick = start;
    while ( !interrupted() && ( seconds <= 0.0 || netcode_time() - start < seconds + GRACE_SECONDS ) )
    {
        double time = netcode_time();
        netcode_client_update( echo->client, time );
        receive_payloads( echo, time );
        if ( netcode_client_state( echo->client ) <= NETCODE_CLIENT_STATE_DISCONNECTED )
            return 0;
        if ( netcode_client_state( echo->client ) == NETCODE_CLIENT_STATE_CONNECTED && ( seconds <= 0.0 || time - start < seconds ) )
            send_payload( echo, time );
        sleep_until_next_tick( &next_tick, TICK_SECONDS );
    }
    return netcode_client_state( echo->client ) == NETCODE_CLIENT_STATE_CONNECTED;
}

/* A client needs a socket of the same kind as the server's address. Port 0: any that is free. */
static const char * local_address_for( const char * server_address )
{
    struct netcode_address_t address;
    if ( netcode_parse_address( server_address, &address ) != NETCODE_OK )
        fail( "--server does not parse" );
    return address.type == NETCODE_ADDRESS_IPV6 ? "[::]:0" : "0.0.0.0:0";
}

static void print_summary( const struct echo_client_t * echo )
{
    printf( "sent %" PRIu64 ", back %" PRIu64 ", wrong %" PRIu64, echo->sent, echo->received, echo->wrong );
    if ( echo->received )
        printf( ", round trip %.1f ms", 1000.0 * echo->round_trips / (double) echo->received );
    printf( "\n" );
}

int main( int argc, char ** argv )
{
    const char * server_address = "127.0.0.1:40000";
    const char * internal_address = NULL;
    double seconds = 10.0;
    int log_level = NETCODE_LOG_LEVEL_ERROR, stayed;
    const struct option_t options[] =
    {
        { "--server",   OPTION_TEXT,    &server_address,   0, 0, "where the server is (127.0.0.1:40000)" },
        { "--internal", OPTION_TEXT,    &internal_address, 0, 0, "the server's own --address, if that is another one (behind NAT)" },
        { "--seconds",  OPTION_NUMBER,  &seconds,          0, 1e9, "how long to send, 0 is until Ctrl-C (10)" },
        { "--log",      OPTION_INTEGER, &log_level,        0, 3, "netcode's own messages: 0 none, 1 errors, 2 events, 3 every packet (1)" }
    };
    struct echo_client_t echo = { NULL, 0, 0, 0, 0, 0.0 };
    struct netcode_client_config_t config;
    uint8_t connect_token[NETCODE_CONNECT_TOKEN_BYTES];

    options_parse( argc, argv, "a client that checks what the server echoes", options, OPTION_COUNT( options ) );
    library_begin( log_level );
    catch_interrupts();

    netcode_default_client_config( &config );
    config.callback_context = &echo;
    config.state_change_callback = on_state_change;
    echo.client = netcode_client_create( local_address_for( server_address ), &config, netcode_time() );
    if ( !echo.client )
        fail( client_create_error_name( netcode_client_create_error() ) );

    /* In production the backend does this, once it knows who the player is: the id is the player's, and the key stays there. */
    netcode_random_bytes( (uint8_t *) &echo.id, sizeof( echo.id ) );
    if ( demo_connect_token( server_address, internal_address ? internal_address : server_address, echo.id, connect_token ) != NETCODE_OK )
        fail( "no connect token: is --internal an address?" );

    netcode_client_connect( echo.client, connect_token );
    stayed = run( &echo, seconds );

    netcode_client_destroy( echo.client );      /* tells the server, so that it need not wait for a timeout */
    netcode_term();
    print_summary( &echo );
    return stayed && echo.received > 0 && echo.wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
