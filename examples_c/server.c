/*
 * A dedicated server: accepts clients, says who comes and goes, and sends every payload back.
 *
 *     server --address 127.0.0.1:40000 --clients 64
 */
#include "common.h"

#define TICK_SECONDS ( 1.0 / 60.0 )

struct echo_server_t
{
    struct netcode_server_t * server;
    uint64_t payloads;
    uint64_t bytes;
};

/* Runs inside netcode_server_update() and netcode_server_stop(). The slot still answers for the client that leaves. */
static void on_connect_disconnect( void * context, int client_index, int connected )
{
    struct echo_server_t * echo = (struct echo_server_t *) context;
    char address[NETCODE_MAX_ADDRESS_STRING_LENGTH];
    netcode_address_to_string( netcode_server_client_address( echo->server, client_index ), address );
    printf( "client %d (id %016" PRIx64 ", %s): %s\n",
            client_index,
            netcode_server_client_id( echo->server, client_index ),
            address,
            connected ? "connected" : disconnect_reason_name( netcode_server_client_disconnect_reason( echo->server, client_index ) ) );
    fflush( stdout );
}

static void echo_payloads( struct echo_server_t * echo, int client_index )
{
    int i;
    for ( i = 0; i < MAX_WAITING_PAYLOADS; i++ )
    {
        int bytes;
        uint8_t * payload = netcode_server_receive_packet( echo->server, client_index, &bytes, NULL );
        if ( !payload )
            return;
        netcode_server_send_packet( echo->server, client_index, payload, bytes );
        netcode_server_free_packet( echo->server, payload );
        echo->payloads++;
        echo->bytes += (uint64_t) bytes;
    }
}

static void run( struct echo_server_t * echo, double seconds )
{
    double start = netcode_time(), next_tick = start;
    while ( !interrupted() && ( seconds <= 0.0 || netcode_time() - start < seconds ) )
    {
        int i;
        netcode_server_update( echo->server, netcode_time() );
        for ( i = 0; i < netcode_server_max_clients( echo->server ); i++ )
            echo_payloads( echo, i );
        sleep_until_next_tick( &next_tick, TICK_SECONDS );
    }
}

static struct netcode_server_t * create( const char * address, struct echo_server_t * echo )
{
    struct netcode_server_config_t config;
    netcode_default_server_config( &config );
    config.protocol_id = DEMO_PROTOCOL_ID;
    memcpy( config.private_key, demo_private_key, NETCODE_KEY_BYTES );
    config.callback_context = echo;
    config.connect_disconnect_callback = on_connect_disconnect;
    return netcode_server_create( address, &config, netcode_time() );
}

/* Port 0 lets the system choose, so the port to tell people is the one that the server really has. */
static void announce( struct netcode_server_t * server, const char * own_text, const char * public_text, int max_clients )
{
    struct netcode_address_t own;
    char own_address[NETCODE_MAX_ADDRESS_STRING_LENGTH];
    if ( netcode_parse_address( own_text, &own ) != NETCODE_OK )
        fail( "--address does not parse" );
    own.port = netcode_server_get_port( server );
    netcode_address_to_string( &own, own_address );
    printf( "listening on port %d for %d clients, Ctrl-C ends\n", own.port, max_clients );
    if ( public_text )
        printf( "try: client --server %s --internal %s\n", public_text, own_address );
    else
        printf( "try: client --server %s\n", own_address );
    fflush( stdout );
}

int main( int argc, char ** argv )
{
    const char * address = "127.0.0.1:40000";
    const char * public_address = NULL;
    int max_clients = 64, log_level = NETCODE_LOG_LEVEL_ERROR;
    double seconds = 0.0;
    const struct option_t options[] =
    {
        { "--address", OPTION_TEXT,    &address,        0, 0, "address that tokens must name; its port is bound on all interfaces (127.0.0.1:40000)" },
        { "--public",  OPTION_TEXT,    &public_address, 0, 0, "address that clients reach it at, if that is another one (behind NAT)" },
        { "--clients", OPTION_INTEGER, &max_clients,    1, NETCODE_MAX_CLIENTS, "number of slots (64)" },
        { "--seconds", OPTION_NUMBER,  &seconds,        0, 1e9, "how long to run, 0 is until Ctrl-C (0)" },
        { "--log",     OPTION_INTEGER, &log_level,      0, 3, "netcode's own messages: 0 none, 1 errors, 2 events, 3 every packet (1)" }
    };
    struct echo_server_t echo = { NULL, 0, 0 };
    struct netcode_address_t parsed;

    options_parse( argc, argv, "a dedicated server that echoes payloads", options, OPTION_COUNT( options ) );
    library_begin( log_level );
    catch_interrupts();
    if ( public_address && netcode_parse_address( public_address, &parsed ) != NETCODE_OK )
        fail( "--public does not parse" );

    echo.server = create( address, &echo );
    if ( !echo.server )
        fail( server_create_error_name( netcode_server_create_error() ) );
    netcode_server_start( echo.server, max_clients );
    announce( echo.server, address, public_address, max_clients );

    run( &echo, seconds );

    netcode_server_stop( echo.server );         /* tells the clients, so that they need not wait for a timeout */
    netcode_server_destroy( echo.server );
    netcode_term();
    printf( "echoed %" PRIu64 " payloads, %" PRIu64 " bytes\n", echo.payloads, echo.bytes );
    return EXIT_SUCCESS;
}
