/*
 * Clients and servers whose datagrams travel through functions of the program.
 */
#if !defined( _WIN32 ) && !defined( _DEFAULT_SOURCE )
#define _DEFAULT_SOURCE
#endif

#include <netcode.h>
#include "test.h"
#include "net.h"

#ifndef _WIN32
#include <fcntl.h>
#endif

/* What the receive override does when it is called: garbage `garbage` times, then `end`. */
struct feed
{
    int garbage;
    int claimed;    /* the size that it returns for garbage; 0 for the real one */
    int end;
    int calls;
    int wrong;      /* calls with something missing, or another size of buffer */
    int sent;
};

static void feed_send( void * context, struct netcode_address_t * to, const uint8_t * data, int bytes )
{
    struct feed * feed = (struct feed *) context;
    feed->sent++;
    if ( !to || to->type == NETCODE_ADDRESS_NONE || !data || bytes < 1 || bytes > 1300 )
        feed->wrong++;
}

static int feed_receive( void * context, struct netcode_address_t * from, uint8_t * data, int max_bytes )
{
    struct feed * feed = (struct feed *) context;
    feed->calls++;
    if ( !from || !data || max_bytes != 1300 )
    {
        feed->wrong++;
        return 0;
    }
    if ( feed->garbage == 0 )
        return feed->end;
    feed->garbage--;
    *from = net_address( "10.7.7.7:7777" );
    memset( data, feed->garbage, (size_t) max_bytes ); /* all of the buffer is ours to write to */
    return feed->claimed ? feed->claimed : 1 + feed->garbage % max_bytes;
}

static struct netcode_server_t * feed_server( struct feed * feed )
{
    struct netcode_server_config_t config;
    struct netcode_server_t * server;
    memset( &config, 0, sizeof( config ) );
    netcode_default_server_config( &config );
    config.callback_context = feed;
    config.override_send_and_receive = 1;
    config.send_packet_override = feed_send;
    config.receive_packet_override = feed_receive;
    server = netcode_server_create( NET_SERVER, &config, 0.0 );
    CHECK( server != NULL );
    if ( server )
        netcode_server_start( server, 4 );
    return server;
}

/* A client that is connecting, so that it listens. */
static struct netcode_client_t * feed_client( struct feed * feed )
{
    static const uint8_t private_key[NETCODE_KEY_BYTES] = { 1 };
    struct netcode_client_config_t config;
    struct netcode_client_t * client;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    const char * address = NET_SERVER;
    memset( &config, 0, sizeof( config ) );
    netcode_default_client_config( &config );
    config.callback_context = feed;
    config.override_send_and_receive = 1;
    config.send_packet_override = feed_send;
    config.receive_packet_override = feed_receive;
    client = netcode_client_create( NET_CLIENT, &config, 0.0 );
    CHECK( client != NULL );
    CHECK_EQUAL( netcode_generate_connect_token( 1, &address, &address, -1, -1, 1, 0, private_key, NULL, token ), NETCODE_OK );
    if ( client )
        netcode_client_connect( client, token );
    return client;
}

/* ---- receiving ---- */

static void check_calls_of_an_update( int garbage, int claimed, int end )
{
    struct feed feed;
    struct netcode_server_t * server;
    struct netcode_client_t * client;
    memset( &feed, 0, sizeof( feed ) );
    server = feed_server( &feed );
    client = feed_client( &feed );
    REQUIRE( server && client );

    feed.garbage = garbage;
    feed.claimed = claimed;
    feed.end = end;
    feed.calls = 0;
    netcode_server_update( server, 0.5 );
    CHECK_EQUAL( feed.calls, garbage + 1 );
    CHECK_EQUAL( feed.garbage, 0 );

    feed.garbage = garbage;
    feed.calls = 0;
    netcode_client_update( client, 0.5 );
    CHECK_EQUAL( feed.calls, garbage + 1 );
    CHECK_EQUAL( feed.garbage, 0 );

    CHECK_EQUAL( feed.wrong, 0 );
    CHECK_EQUAL( netcode_server_running( server ), 1 );
    CHECK_EQUAL( netcode_client_state( client ), NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST );
    netcode_client_destroy( client );
    netcode_server_destroy( server );
}

static void receive_is_called_until_it_returns_zero( void )
{
    check_calls_of_an_update( 0, 0, 0 );
    check_calls_of_an_update( 1, 0, 0 );
    check_calls_of_an_update( 100, 0, 0 );
}

static void receive_is_called_until_it_returns_less_than_zero( void )
{
    /* the reference calls it again for ever */
    check_calls_of_an_update( 0, 0, -1 );
    check_calls_of_an_update( 10, 0, -1 );
    check_calls_of_an_update( 10, 0, -2147483647 - 1 );
}

static void receive_is_called_without_a_bound( void )
{
    /* more than an update would take from a socket */
    check_calls_of_an_update( 50000, 0, 0 );
}

static void sizes_beyond_the_buffer_are_clamped( void )
{
    check_calls_of_an_update( 20, 1300, 0 );
    check_calls_of_an_update( 20, 1301, 0 );
    check_calls_of_an_update( 20, 100000, 0 );
    check_calls_of_an_update( 20, 2147483647, 0 );
}

static void an_update_takes_all_that_waits( void )
{
    struct net_pair pair = net_pair_open( 4 );
    uint8_t data[10] = { 0 };
    int i;
    for ( i = 0; i < 5; i++ )
        netcode_client_send_packet( pair.client->client, data, (int) sizeof( data ) );
    pair.server->receive_calls = 0;
    net_update( pair.server, pair.net->time );
    CHECK_EQUAL( pair.server->receive_calls, 6 );
    CHECK_EQUAL( net_discard_payloads( pair.server, 0 ), 5 );
    pair.server->receive_calls = 0;
    net_update( pair.server, pair.net->time );
    CHECK_EQUAL( pair.server->receive_calls, 1 );
    net_pair_close( &pair );
}

/* ---- sending ---- */

static void every_packet_goes_through_the_send_override( void )
{
    struct net_pair pair = net_pair_open( 4 );
    uint8_t data[100] = { 0 };
    int i;
    netcode_client_send_packet( pair.client->client, data, (int) sizeof( data ) );
    netcode_server_send_packet( pair.server->server, 0, data, (int) sizeof( data ) );
    net_settle( pair.net );
    netcode_client_disconnect( pair.client->client );
    CHECK( pair.client->sent[NET_REQUEST] >= 1 );
    CHECK( pair.client->sent[NET_RESPONSE] >= 1 );
    CHECK( pair.client->sent[NET_KEEP_ALIVE] >= 1 );
    CHECK_EQUAL( pair.client->sent[NET_PAYLOAD], 1 );
    CHECK_EQUAL( pair.client->sent[NET_DISCONNECT], 10 );
    CHECK( pair.server->sent[NET_CHALLENGE] >= 1 );
    CHECK( pair.server->sent[NET_KEEP_ALIVE] >= 1 );
    CHECK_EQUAL( pair.server->sent[NET_PAYLOAD], 1 );
    /* to the right place, and of the right size */
    for ( i = 0; i < pair.net->num_records; i++ )
    {
        struct net_datagram * datagram = pair.net->records[i];
        CHECK( net_address_is( &datagram->to, datagram->sender == pair.client ? NET_SERVER : NET_CLIENT ) );
        if ( net_type( datagram ) == NET_REQUEST )
            CHECK_EQUAL( datagram->bytes, NET_REQUEST_BYTES );
        if ( net_type( datagram ) == NET_PAYLOAD )
            CHECK_EQUAL( datagram->bytes, 1 + ( datagram->data[0] >> 4 ) + 100 + 16 );
    }
    net_pair_close( &pair );
}

static int sends_with_destination;

static void send_and_clear_destination( void * context, struct netcode_address_t * to, const uint8_t * data, int bytes )
{
    sends_with_destination += to->type != NETCODE_ADDRESS_NONE;
    net_endpoint_send( context, to, data, bytes );
    /* not const, so a program may think that it is its own */
    memset( to, 0, sizeof( *to ) );
}

static void overrides_may_change_the_address_they_are_given( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_endpoint( net, NET_SERVER ), * client = net_endpoint( net, NET_CLIENT );
    struct netcode_server_config_t server_config;
    struct netcode_client_config_t client_config;
    struct netcode_address_t * address;
    memset( &server_config, 0, sizeof( server_config ) );
    netcode_default_server_config( &server_config );
    netcode_default_client_config( &client_config );
    server->is_server = 1;
    net_server_config( server, &server_config );
    net_client_config( client, &client_config );
    server_config.send_packet_override = send_and_clear_destination;
    client_config.send_packet_override = send_and_clear_destination;
    server->server = netcode_server_create( NET_SERVER, &server_config, net->time );
    client->client = netcode_client_create( NET_CLIENT, &client_config, net->time );
    REQUIRE( server->server && client->client );
    netcode_server_start( server->server, 4 );
    sends_with_destination = 0;
    CHECK( net_connect( client, server, 1 ) );
    net_steps( net, 32, NET_TICK );
    CHECK_EQUAL( net_state( client ), NETCODE_CLIENT_STATE_CONNECTED );
    address = netcode_server_client_address( server->server, 0 );
    CHECK( net_address_is( address, NET_CLIENT ) );
    address = netcode_client_server_address( client->client );
    CHECK( net_address_is( address, NET_SERVER ) );
    CHECK_EQUAL( sends_with_destination, net->num_records );
    net_destroy( net );
}

/* ---- no sockets ---- */

#ifndef _WIN32
static int open_descriptors( void )
{
    int i, count = 0;
    for ( i = 0; i < 1024; i++ )
        count += fcntl( i, F_GETFD ) != -1;
    return count;
}
#else
static int open_descriptors( void )
{
    return 0;
}
#endif

static void no_socket_is_opened_and_there_is_no_port( void )
{
    struct netcode_server_config_t server_config;
    struct netcode_client_config_t client_config;
    struct netcode_server_t * server;
    struct netcode_client_t * client;
    struct feed feed;
    int before;
    netcode_init();
    before = open_descriptors();
    memset( &feed, 0, sizeof( feed ) );
    memset( &server_config, 0, sizeof( server_config ) );
    netcode_default_server_config( &server_config );
    server_config.override_send_and_receive = 1;
    server_config.callback_context = &feed;
    server_config.send_packet_override = feed_send;
    server_config.receive_packet_override = feed_receive;
    netcode_default_client_config( &client_config );
    client_config.override_send_and_receive = 1;
    client_config.callback_context = &feed;
    client_config.send_packet_override = feed_send;
    client_config.receive_packet_override = feed_receive;
    /* addresses of nobody, so that a bind would fail */
    server = netcode_server_create_dual( "192.0.2.1:40000", "[2001:db8::1]:40000", &server_config, 0.0 );
    client = netcode_client_create_dual( "192.0.2.2:50000", "[2001:db8::2]:50000", &client_config, 0.0 );
    REQUIRE( server && client );
    CHECK_EQUAL( open_descriptors(), before );
    CHECK_EQUAL( netcode_server_get_port( server ), 0 );
    CHECK_EQUAL( netcode_client_get_port( client ), 0 );
    netcode_client_destroy( client );
    netcode_server_destroy( server );
    /* port 0 is fine too */
    server = netcode_server_create( "192.0.2.1", &server_config, 0.0 );
    client = netcode_client_create( "192.0.2.2", &client_config, 0.0 );
    REQUIRE( server && client );
    CHECK_EQUAL( netcode_server_get_port( server ), 0 );
    CHECK_EQUAL( netcode_client_get_port( client ), 0 );
    netcode_client_destroy( client );
    netcode_server_destroy( server );
    netcode_term();
}

static void overrides_without_the_flag_are_not_used( void )
{
    struct netcode_server_config_t config;
    struct netcode_server_t * server;
    struct feed feed;
    netcode_init();
    memset( &feed, 0, sizeof( feed ) );
    memset( &config, 0, sizeof( config ) );
    netcode_default_server_config( &config );
    config.callback_context = &feed;
    config.send_packet_override = feed_send;
    config.receive_packet_override = feed_receive;
    server = netcode_server_create( "127.0.0.1:0", &config, 0.0 );
    REQUIRE( server != NULL );
    CHECK( netcode_server_get_port( server ) != 0 );
    netcode_server_start( server, 4 );
    netcode_server_update( server, 1.0 );
    CHECK_EQUAL( feed.calls, 0 );
    netcode_server_destroy( server );
    netcode_term();
}

static void the_config_is_copied( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_endpoint( net, NET_SERVER ), * client = net_endpoint( net, NET_CLIENT );
    struct netcode_server_config_t server_config;
    struct netcode_client_config_t client_config;
    char address[64] = NET_SERVER;
    memset( &server_config, 0, sizeof( server_config ) );
    netcode_default_server_config( &server_config );
    netcode_default_client_config( &client_config );
    server->is_server = 1;
    net_server_config( server, &server_config );
    net_client_config( client, &client_config );
    server->server = netcode_server_create( address, &server_config, net->time );
    client->client = netcode_client_create( NET_CLIENT, &client_config, net->time );
    memset( &server_config, 0, sizeof( server_config ) );
    memset( &client_config, 0, sizeof( client_config ) );
    memset( address, 0, sizeof( address ) );
    REQUIRE( server->server && client->client );
    netcode_server_start( server->server, 4 );
    CHECK( net_connect( client, server, 1 ) );
    net_destroy( net );
}

/* ---- overrides that do more than they should ---- */

static void datagrams_may_be_delivered_inside_the_send( void )
{
    /* the send override calls process_packet of the other end, whose send override calls process_packet... */
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 ), * client = net_client( net, NET_CLIENT );
    uint8_t data[NETCODE_MAX_PACKET_SIZE], * packet;
    uint64_t sequence = 99;
    int i, bytes;
    net->direct = 1;
    CHECK( net_connect( client, server, 1 ) );
    net_settle( net );
    for ( i = 0; i < 20; i++ )
    {
        net_fill( data, 1 + 60 * i, i );
        netcode_client_send_packet( client->client, data, 1 + 60 * i );
        packet = netcode_server_receive_packet( server->server, 0, &bytes, &sequence );
        REQUIRE( packet != NULL );
        CHECK_EQUAL( bytes, 1 + 60 * i );
        CHECK( net_filled( packet, bytes, i ) );
        netcode_server_free_packet( server->server, packet );
        netcode_server_send_packet( server->server, 0, data, 1 + 60 * i );
        packet = netcode_client_receive_packet( client->client, &bytes, &sequence );
        REQUIRE( packet != NULL );
        CHECK( net_filled( packet, bytes, i ) );
        netcode_client_free_packet( client->client, packet );
    }
    /* from the client's disconnect packet into the server's callback, all inside of one call */
    netcode_client_disconnect( client->client );
    CHECK_EQUAL( netcode_server_num_connected_clients( server->server ), 0 );
    CHECK( net_history_is( server, "+0 -0:2" ) );
    CHECK( net_connect( client, server, 2 ) );
    netcode_server_disconnect_client( server->server, 0 );
    net_step( net, NET_TICK );
    CHECK_EQUAL( net_state( client ), NETCODE_CLIENT_STATE_DISCONNECTED );
    net_destroy( net );
}

static void packets_can_be_fed_with_process_packet_alone( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 ), * client = net_client( net, NET_CLIENT );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], data[500];
    int i;
    net_token_for( server, token, 5, 1 );
    netcode_client_connect( client->client, token );
    for ( i = 0; i < 16; i++ )
    {
        net_feed( server );
        net_feed( client );
        net_step( net, NET_TICK );
    }
    CHECK_EQUAL( net_state( client ), NETCODE_CLIENT_STATE_CONNECTED );
    net_fill( data, (int) sizeof( data ), 1 );
    netcode_client_send_packet( client->client, data, (int) sizeof( data ) );
    net_feed( server );
    CHECK_EQUAL( net_discard_payloads( server, 0 ), 1 );
    net_destroy( net );
}

static void stop_server_once( struct net_endpoint * self )
{
    self->on_receive = NULL;
    netcode_server_stop( self->server );
}

static void a_receive_override_may_stop_its_server( void )
{
    struct net_pair pair = net_pair_open( 4 );
    uint8_t data[10] = { 0 };
    int i;
    for ( i = 0; i < 5; i++ )
        netcode_client_send_packet( pair.client->client, data, (int) sizeof( data ) );
    pair.server->on_receive = stop_server_once;
    net_step( pair.net, NET_TICK );
    CHECK_EQUAL( netcode_server_running( pair.server->server ), 0 );
    CHECK( net_history_is( pair.server, "+0 -0:3" ) );
    netcode_server_start( pair.server->server, 4 );
    net_steps( pair.net, 4, NET_TICK );
    CHECK_EQUAL( netcode_server_num_connected_clients( pair.server->server ), 0 );
    CHECK( net_connect( pair.client, pair.server, 7 ) );
    net_pair_close( &pair );
}

static void disconnect_client_once( struct net_endpoint * self )
{
    self->on_receive = NULL;
    netcode_client_disconnect( self->client );
}

static void a_receive_override_may_disconnect_its_client( void )
{
    struct net_pair pair = net_pair_open( 4 );
    uint8_t data[10] = { 0 };
    int i;
    for ( i = 0; i < 5; i++ )
        netcode_server_send_packet( pair.server->server, 0, data, (int) sizeof( data ) );
    pair.client->on_receive = disconnect_client_once;
    net_step( pair.net, NET_TICK );
    CHECK_EQUAL( net_state( pair.client ), NETCODE_CLIENT_STATE_DISCONNECTED );
    CHECK_EQUAL( net_discard_payloads( pair.client, 0 ), 0 );
    net_steps( pair.net, 4, NET_TICK );
    CHECK( net_connect( pair.client, pair.server, 7 ) );
    net_pair_close( &pair );
}

static void disconnect_in_send_once( struct net_endpoint * self, const struct net_datagram * datagram )
{
    (void) datagram;
    self->on_send = NULL;
    if ( self->client )
        netcode_client_disconnect( self->client );
    else
        netcode_server_disconnect_client( self->server, 0 );
}

static void a_send_override_may_disconnect( void )
{
    struct net_pair pair = net_pair_open( 4 );
    pair.client->on_send = disconnect_in_send_once;
    net_steps( pair.net, 8, NET_TICK );
    CHECK_EQUAL( net_state( pair.client ), NETCODE_CLIENT_STATE_DISCONNECTED );
    CHECK_EQUAL( netcode_server_num_connected_clients( pair.server->server ), 0 );
    CHECK( net_connect( pair.client, pair.server, 7 ) );
    pair.server->on_send = disconnect_in_send_once;
    net_steps( pair.net, 8, NET_TICK );
    CHECK_EQUAL( netcode_server_num_connected_clients( pair.server->server ), 0 );
    CHECK_EQUAL( net_state( pair.client ), NETCODE_CLIENT_STATE_DISCONNECTED );
    CHECK( net_history_is( pair.server, "+0 -0:2 +0 -0:3" ) );
    net_pair_close( &pair );
}

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );
    netcode_set_assert_function( net_assert_handler );
    netcode_init();
    TEST( receive_is_called_until_it_returns_zero );
    TEST( receive_is_called_until_it_returns_less_than_zero );
    TEST( receive_is_called_without_a_bound );
    TEST( sizes_beyond_the_buffer_are_clamped );
    TEST( an_update_takes_all_that_waits );
    TEST( every_packet_goes_through_the_send_override );
    TEST( overrides_may_change_the_address_they_are_given );
    TEST( no_socket_is_opened_and_there_is_no_port );
    TEST( overrides_without_the_flag_are_not_used );
    TEST( the_config_is_copied );
    TEST( datagrams_may_be_delivered_inside_the_send );
    TEST( packets_can_be_fed_with_process_packet_alone );
    TEST( a_receive_override_may_stop_its_server );
    TEST( a_receive_override_may_disconnect_its_client );
    TEST( a_send_override_may_disconnect );
    netcode_term();
    return tests_done();
}
