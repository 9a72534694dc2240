/*
 * Datagrams that nobody should have sent, or that do not get through: empty ones, floods, what the system refuses,
 * and peers whose sockets are gone.
 */
#include "sockets.h"
#include <stdarg.h>

static int send_plain( int descriptor, int family, int port, const void * data, size_t bytes )
{
    struct sockaddr_storage address;
    socklen_t size = loopback_address( family, 0, port, &address );
    return (int) sendto( descriptor, data, bytes, 0, (struct sockaddr *) &address, size );
}

/* ---- hostile and unlucky datagrams ---- */

/* 200 ticks with eight empty datagrams before each: the reference reads one of them a tick and nothing else. */
static void check_empty_datagrams( int family, int at_server )
{
    struct pair_t pair;
    uint8_t data[100];
    int stranger = plain_socket( family, 0, 0 ), received = 0, i, j, bytes, port;
    REQUIRE( stranger >= 0 );
    REQUIRE( open_pair( &pair, family, 1 ) );
    port = at_server ? pair.port : netcode_client_get_port( pair.client );
    for ( i = 0; i < 400 && ( i < 200 || received < 200 ); i++ )
    {
        uint8_t * packet;
        if ( i < 200 )
        {
            for ( j = 0; j < 8; j++ )
                CHECK_EQUAL( send_plain( stranger, family, port, "", 0 ), 0 );
            fill( data, (int) sizeof( data ), i );
            if ( at_server )
                netcode_client_send_packet( pair.client, data, (int) sizeof( data ) );
            else
                netcode_server_send_packet( pair.server, 0, data, (int) sizeof( data ) );
        }
        tick( pair.server, pair.client, NULL );
        while ( ( packet = at_server ? netcode_server_receive_packet( pair.server, 0, &bytes, NULL ) : netcode_client_receive_packet( pair.client, &bytes, NULL ) ) != NULL )
        {
            received++;
            if ( at_server )
                netcode_server_free_packet( pair.server, packet );
            else
                netcode_client_free_packet( pair.client, packet );
        }
    }
    CHECK_EQUAL( received, 200 );
    CHECK_EQUAL( netcode_client_state( pair.client ), NETCODE_CLIENT_STATE_CONNECTED );
    CHECK_EQUAL( netcode_server_num_connected_clients( pair.server ), 1 );
    close_pair( &pair );
    close( stranger );
}

static void empty_datagrams_do_not_starve_a_server( void )
{
    check_empty_datagrams( AF_INET, 1 );
    if ( have_ipv6 )
        check_empty_datagrams( AF_INET6, 1 );
}

static void empty_datagrams_do_not_starve_a_client( void )
{
    check_empty_datagrams( AF_INET, 0 );
    if ( have_ipv6 )
        check_empty_datagrams( AF_INET6, 0 );
}

static void datagrams_of_any_size_are_survived( void )
{
    static const int sizes[] = { 1, 2, 16, 17, 18, 19, 1077, 1078, 1079, 1300, 1301, 1302, 1500, 9000, 65507 };
    struct pair_t pair;
    uint8_t * data = (uint8_t *) malloc( 65507 );
    int stranger = plain_socket( AF_INET, 0, 0 ), i, prefix;
    REQUIRE( data != NULL && stranger >= 0 );
    REQUIRE( open_pair( &pair, AF_INET, -1 ) );
    for ( i = 0; i < (int) ( sizeof( sizes ) / sizeof( sizes[0] ) ); i++ )
    {
        for ( prefix = 0; prefix < 256; prefix += 17 )
        {
            memset( data, prefix, (size_t) sizes[i] );
            CHECK_EQUAL( send_plain( stranger, AF_INET, pair.port, data, (size_t) sizes[i] ), sizes[i] );
            CHECK_EQUAL( send_plain( stranger, AF_INET, netcode_client_get_port( pair.client ), data, (size_t) sizes[i] ), sizes[i] );
            now_seconds += TICK;
            netcode_server_update( pair.server, now_seconds );
            netcode_client_update( pair.client, now_seconds );
        }
        CHECK( exchange( pair.server, pair.client, 500, i ) );
    }
    CHECK_EQUAL( netcode_server_num_connected_clients( pair.server ), 1 );
    close_pair( &pair );
    close( stranger );
    free( data );
}

static int messages;

static int count_messages( const char * format, ... )
{
    (void) format;
    messages++;
    return 0;
}

/* What is looked at and ignored is told of; what is larger is not. One that is told of comes last, to wait for. */
static void datagrams_of_up_to_1300_bytes_are_looked_at( void )
{
    static const int sizes[] = { 18, 1299, 1300, 1301, 1302, 2000 };
    static uint8_t data[2000];
    struct netcode_server_t * server = create_server( "127.0.0.1:0", NULL );
    int stranger = plain_socket( AF_INET, 0, 0 ), i, wait;
    REQUIRE( server != NULL && stranger >= 0 );
    netcode_server_start( server, 1 );
    memset( data, 0x15, sizeof( data ) );
    netcode_set_printf_function( count_messages );
    netcode_log_level( NETCODE_LOG_LEVEL_DEBUG );
    for ( i = 0; i < (int) ( sizeof( sizes ) / sizeof( sizes[0] ) ); i++ )
    {
        int expected = sizes[i] <= 1300 ? 2 : 1;
        messages = 0;
        CHECK_EQUAL( send_plain( stranger, AF_INET, netcode_server_get_port( server ), data, (size_t) sizes[i] ), sizes[i] );
        CHECK_EQUAL( send_plain( stranger, AF_INET, netcode_server_get_port( server ), data, 18 ), 18 );
        for ( wait = 0; wait < MAX_TICKS && messages < expected; wait++ )
        {
            netcode_server_update( server, now_seconds );
            netcode_sleep( 0.001 );
        }
        netcode_server_update( server, now_seconds );
        CHECK_EQUAL( messages, expected );
    }
    netcode_log_level( NETCODE_LOG_LEVEL_NONE );
    netcode_set_printf_function( printf );
    netcode_server_destroy( server );
    close( stranger );
}

static void a_closed_port_does_not_stop_a_client( void )
{
    /* the kernel answers each request with "port unreachable" until the server is there */
    struct netcode_client_t * client = create_client( "127.0.0.1:0", NULL );
    struct netcode_server_t * server;
    int port = free_port(), i;
    REQUIRE( client != NULL );
    connect_to( client, address_text( AF_INET, port ), 1, -1 );
    for ( i = 0; i < 100; i++ )
    {
        tick( NULL, client, NULL );
        CHECK_EQUAL( netcode_client_state( client ), NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST );
    }
    server = create_server( address_text( AF_INET, port ), NULL );
    REQUIRE( server != NULL );
    netcode_server_start( server, 4 );
    CHECK( wait_connected( server, client, NULL ) );
    CHECK( exchange( server, client, 100, 0 ) );
    netcode_client_destroy( client );
    netcode_server_destroy( server );
}

static void a_vanished_client_does_not_stop_a_server( void )
{
    /* its port is closed behind its back: what the server sends there comes back as "port unreachable" */
    struct pair_t pair;
    struct netcode_client_t * other = create_client( "127.0.0.1:0", NULL );
    int i, elsewhere = socket( AF_INET, SOCK_DGRAM, 0 );
    uint8_t data[100] = { 0 };
    REQUIRE( other != NULL && elsewhere >= 0 );
    REQUIRE( open_pair( &pair, AF_INET, 1 ) );
    REQUIRE( dup2( elsewhere, pair.client_socket ) == pair.client_socket );
    close( elsewhere );
    connect_to( other, address_text( AF_INET, pair.port ), 2, -1 );
    CHECK( wait_connected( pair.server, other, NULL ) );
    for ( i = 0; i < 300; i++ )
    {
        netcode_server_send_packet( pair.server, 0, data, (int) sizeof( data ) );
        tick( pair.server, other, NULL );
    }
    CHECK( exchange( pair.server, other, 100, 0 ) );
    CHECK_EQUAL( netcode_server_client_connected( pair.server, 0 ), 0 );
    CHECK_EQUAL( netcode_server_client_disconnect_reason( pair.server, 0 ), NETCODE_SERVER_CLIENT_DISCONNECT_REASON_TIMED_OUT );
    CHECK_EQUAL( netcode_server_num_connected_clients( pair.server ), 1 );
    netcode_client_destroy( other );
    close_pair( &pair );
}

static int waiting_datagrams( int descriptor )
{
    uint8_t data[64];
    int count = 0;
    while ( recv( descriptor, data, sizeof( data ), MSG_DONTWAIT ) >= 0 )
        count++;
    return count;
}

static void a_stopped_server_empties_its_socket( void )
{
    struct netcode_server_t * server;
    int stranger = plain_socket( AF_INET, 0, 0 ), descriptor, i;
    note_descriptors();
    server = create_server( "127.0.0.1:0", NULL );
    REQUIRE( server != NULL && stranger >= 0 );
    descriptor = new_socket( AF_INET );
    REQUIRE( descriptor >= 0 );
    for ( i = 0; i < 50; i++ )
        send_plain( stranger, AF_INET, netcode_server_get_port( server ), "12345678", 8 );
    netcode_sleep( 0.01 );
    netcode_server_update( server, now_seconds += TICK );
    CHECK_EQUAL( waiting_datagrams( descriptor ), 0 );
    CHECK_EQUAL( netcode_server_running( server ), 0 );
    netcode_server_destroy( server );
    close( stranger );
}

/* What was said to one attempt must not count for the next, which may have the same token, and so the same keys. */
static void check_that_refusals_do_not_outlive_their_attempt( int updates_between )
{
    struct netcode_server_t * server = create_server( "127.0.0.1:0", NULL );
    struct netcode_client_t * first = create_client( "127.0.0.1", NULL ), * second = create_client( "127.0.0.1", NULL );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    const char * address;
    int i;
    REQUIRE( server && first && second );
    netcode_server_start( server, 1 );
    address = address_text( AF_INET, netcode_server_get_port( server ) );
    connect_to( first, address, 1, 5 );
    CHECK( wait_connected( server, first, NULL ) );

    /* asks twice, is refused twice, and reads one refusal only before it gives up */
    CHECK_EQUAL( netcode_generate_connect_token( 1, &address, &address, -1, 5, 2, PROTOCOL_ID, private_key, NULL, token ), NETCODE_OK );
    netcode_client_connect( second, token );
    for ( i = 0; i < 2; i++ )
    {
        netcode_client_update( second, now_seconds += 0.2 );
        netcode_server_update( server, now_seconds );
    }
    netcode_sleep( 0.01 );
    netcode_client_disconnect( second );
    netcode_client_disconnect( first );
    netcode_server_update( server, now_seconds );
    CHECK_EQUAL( netcode_server_num_connected_clients( server ), 0 );

    for ( i = 0; i < updates_between; i++ )
        netcode_client_update( second, now_seconds += TICK );
    netcode_client_connect( second, token );
    CHECK( wait_connected( server, NULL, second ) );
    netcode_client_destroy( first );
    netcode_client_destroy( second );
    netcode_server_destroy( server );
}

static void a_refusal_does_not_outlive_its_attempt( void )
{
    check_that_refusals_do_not_outlive_their_attempt( 0 );
    check_that_refusals_do_not_outlive_their_attempt( 1 );
}

#define FLOOD 20000

static void send_flood( int port )
{
    int stranger = plain_socket( AF_INET, 0, 0 ), sent = 0, i;
    for ( i = 0; i < FLOOD; i++ )
        sent += send_plain( stranger, AF_INET, port, "12345678123456781234567812345678", 32 ) == 32;
    CHECK_EQUAL( sent, FLOOD );
    close( stranger );
    netcode_sleep( 0.01 );
}

/* Queues more datagrams than one update may take, and returns how many one update took; -1 if the system does
   not let us have a receive buffer for so many. */
static int taken_of_a_flood( int descriptor, int port, struct netcode_server_t * server, struct netcode_client_t * client )
{
    int size = 256 * 1024 * 1024, left;
#ifdef SO_RCVBUFFORCE
    setsockopt( descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof( size ) );
#else
    setsockopt( descriptor, SOL_SOCKET, SO_RCVBUF, &size, sizeof( size ) );
#endif
    send_flood( port );
    if ( waiting_datagrams( descriptor ) != FLOOD )
        return -1;
    send_flood( port );
    now_seconds += TICK;
    if ( server )
        netcode_server_update( server, now_seconds );
    else
        netcode_client_update( client, now_seconds );
    left = waiting_datagrams( descriptor );
    CHECK( left < FLOOD );
    return FLOOD - left;
}

static void a_flood_takes_a_bounded_time_of_a_server( void )
{
    struct netcode_server_t * server;
    int descriptor, taken;
    note_descriptors();
    server = create_server( "127.0.0.1:0", NULL );
    REQUIRE( server != NULL );
    netcode_server_start( server, 4 );
    descriptor = new_socket( AF_INET );
    REQUIRE( descriptor >= 0 );
    taken = taken_of_a_flood( descriptor, netcode_server_get_port( server ), server, NULL );
    if ( taken < 0 )
        printf( "SKIPPED %s: no receive buffer for a flood to be had\n", __func__ );
    CHECK( taken <= 16384 );
    CHECK( taken < 0 || taken >= 1024 );
    netcode_server_destroy( server );
}

static void a_flood_takes_a_bounded_time_of_a_client( void )
{
    struct netcode_client_t * client;
    int descriptor, taken;
    note_descriptors();
    client = create_client( "127.0.0.1:0", NULL );
    REQUIRE( client != NULL );
    descriptor = new_socket( AF_INET );
    REQUIRE( descriptor >= 0 );
    connect_to( client, address_text( AF_INET, free_port() ), 1, -1 );
    taken = taken_of_a_flood( descriptor, netcode_client_get_port( client ), NULL, client );
    if ( taken < 0 )
        printf( "SKIPPED %s: no receive buffer for a flood to be had\n", __func__ );
    CHECK( taken <= 4096 );
    CHECK( taken < 0 || taken >= 256 );
    netcode_client_destroy( client );
}

/* ---- what the system refuses ---- */

static int error_lines;

static int count_error_lines( const char * format, ... )
{
    va_list arguments;
    va_start( arguments, format );
    if ( CHECK( strcmp( format, "%s" ) == 0 ) )
        error_lines += strstr( va_arg( arguments, const char * ), "error" ) != NULL;
    va_end( arguments );
    return 0;
}

static void a_send_that_the_system_refuses_is_logged_as_an_error( void )
{
    /* broadcasts are refused unless a socket asks for them */
    struct netcode_client_t * client = create_client( "0.0.0.0:0", NULL );
    REQUIRE( client != NULL );
    error_lines = 0;
    netcode_set_printf_function( count_error_lines );
    netcode_log_level( NETCODE_LOG_LEVEL_ERROR );
    connect_to( client, "255.255.255.255:40000", 1000, 5 );
    CHECK_EQUAL( error_lines, 0 );
    now_seconds += 0.2;
    netcode_client_update( client, now_seconds );
    CHECK( error_lines >= 1 );
    /* that is all that comes of it */
    CHECK_EQUAL( netcode_client_state( client ), NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST );
    netcode_log_level( NETCODE_LOG_LEVEL_NONE );
    netcode_set_printf_function( NULL );
    netcode_client_destroy( client );
}

int main( int argc, char ** argv )
{
    sockets_begin( argc, argv );
    TEST( empty_datagrams_do_not_starve_a_server );
    TEST( empty_datagrams_do_not_starve_a_client );
    TEST( datagrams_of_any_size_are_survived );
    TEST( datagrams_of_up_to_1300_bytes_are_looked_at );
    TEST( a_closed_port_does_not_stop_a_client );
    TEST( a_vanished_client_does_not_stop_a_server );
    TEST( a_send_that_the_system_refuses_is_logged_as_an_error );
    TEST( a_stopped_server_empties_its_socket );
    TEST( a_refusal_does_not_outlive_its_attempt );
    TEST( a_flood_takes_a_bounded_time_of_a_server );
    TEST( a_flood_takes_a_bounded_time_of_a_client );
    return sockets_done();
}
