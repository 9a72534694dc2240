/*
 * Calls that a program should not make. With assertions they are reported to the handler, which here returns;
 * then, and always without assertions, they do nothing harmful and return a neutral value.
 */
#include <netcode.h>
#include "test.h"
#include "asserts.h"
#include "net.h"
#include <stdarg.h>

#define LEAST_INT ( -2147483647 - 1 )
#define GREATEST_INT 2147483647

static const int wrong_slots[] = { -1, 4, 5, 255, 256, 257, 1000000, LEAST_INT, GREATEST_INT };
#define WRONG_SLOTS 9

static const int wrong_sizes[] = { 0, -1, 1201, 1300, 65536, LEAST_INT, GREATEST_INT };
#define WRONG_SIZES 7

static int messages;

static int count_messages( const char * format, ... )
{
    (void) format;
    messages++;
    return 0;
}

/* Four slots, a confirmed client in slot 0; asserts are counted from here on. */
static struct net_pair open_pair( void )
{
    struct net_pair pair = net_pair_open( 4 );
    netcode_set_assert_function( count_assert );
    return pair;
}

/* Whether the pair still works after whatever was done to it. */
static void close_pair( struct net_pair * pair )
{
    uint8_t data[100];
    net_drain( pair->server );
    net_drain( pair->client );
    net_settle( pair->net );
    net_discard_payloads( pair->client, 0 );
    net_discard_payloads( pair->server, 0 );
    CHECK_EQUAL( net_state( pair->client ), NETCODE_CLIENT_STATE_CONNECTED );
    CHECK_EQUAL( netcode_server_num_connected_clients( pair->server->server ), 1 );
    net_fill( data, 100, 1 );
    netcode_client_send_packet( pair->client->client, data, 100 );
    netcode_server_send_packet( pair->server->server, 0, data, 100 );
    net_steps( pair->net, 2, NET_TICK );
    CHECK_EQUAL( net_discard_payloads( pair->client, 0 ), 1 );
    CHECK_EQUAL( net_discard_payloads( pair->server, 0 ), 1 );
    net_pair_close( pair );
}

/* ---- no object ---- */

static void functions_of_no_client_are_neutral( void )
{
    struct netcode_address_t from = net_address( NET_SERVER );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES] = { 0 }, data[100] = { 0 };
    uint64_t sequence = 12345;
    int bytes = 12345;
    CHECK_MISUSE( netcode_client_destroy( NULL ) );
    CHECK_MISUSE( netcode_client_connect( NULL, token ) );
    CHECK_MISUSE( netcode_client_update( NULL, 1.0 ) );
    CHECK_MISUSE( CHECK_EQUAL( netcode_client_next_packet_sequence( NULL ), 0 ) );
    CHECK_MISUSE( netcode_client_send_packet( NULL, data, 100 ) );
    CHECK_MISUSE( CHECK( netcode_client_receive_packet( NULL, &bytes, &sequence ) == NULL ) );
    CHECK_EQUAL( bytes, 12345 );
    CHECK_EQUAL( sequence, 12345 );
    CHECK_MISUSE( netcode_client_free_packet( NULL, NULL ) );
    CHECK_MISUSE( netcode_client_disconnect( NULL ) );
    CHECK_MISUSE( CHECK_EQUAL( netcode_client_state( NULL ), NETCODE_CLIENT_STATE_DISCONNECTED ) );
    CHECK_MISUSE( CHECK_EQUAL( netcode_client_index( NULL ), 0 ) );
    CHECK_MISUSE( CHECK_EQUAL( netcode_client_max_clients( NULL ), 0 ) );
    CHECK_MISUSE( netcode_client_connect_loopback( NULL, 0, 4 ) );
    CHECK_MISUSE( netcode_client_disconnect_loopback( NULL ) );
    CHECK_MISUSE( netcode_client_process_packet( NULL, &from, data, 100 ) );
    CHECK_MISUSE( CHECK_EQUAL( netcode_client_loopback( NULL ), 0 ) );
    CHECK_MISUSE( netcode_client_process_loopback_packet( NULL, data, 100, 0 ) );
    CHECK_MISUSE( CHECK_EQUAL( netcode_client_get_port( NULL ), 0 ) );
    CHECK_MISUSE( CHECK( netcode_client_server_address( NULL ) == NULL ) );
}

static void functions_of_no_server_are_neutral( void )
{
    struct netcode_address_t from = net_address( NET_CLIENT );
    uint8_t data[100] = { 0 };
    uint64_t sequence = 12345;
    int bytes = 12345;
    CHECK_MISUSE( netcode_server_destroy( NULL ) );
    CHECK_MISUSE( netcode_server_start( NULL, 4 ) );
    CHECK_MISUSE( netcode_server_stop( NULL ) );
    CHECK_MISUSE( CHECK_EQUAL( netcode_server_running( NULL ), 0 ) );
    CHECK_MISUSE( CHECK_EQUAL( netcode_server_max_clients( NULL ), 0 ) );
    CHECK_MISUSE( netcode_server_update( NULL, 1.0 ) );
    CHECK_MISUSE( CHECK_EQUAL( netcode_server_client_connected( NULL, 0 ), 0 ) );
    CHECK_MISUSE( CHECK_EQUAL( netcode_server_client_disconnect_reason( NULL, 0 ), 0 ) );
    CHECK_MISUSE( CHECK_EQUAL( netcode_server_client_id( NULL, 0 ), 0 ) );
    CHECK_MISUSE( CHECK( netcode_server_client_address( NULL, 0 ) == NULL ) );
    CHECK_MISUSE( netcode_server_disconnect_client( NULL, 0 ) );
    CHECK_MISUSE( netcode_server_disconnect_all_clients( NULL ) );
    CHECK_MISUSE( CHECK_EQUAL( netcode_server_next_packet_sequence( NULL, 0 ), 0 ) );
    CHECK_MISUSE( netcode_server_send_packet( NULL, 0, data, 100 ) );
    CHECK_MISUSE( CHECK( netcode_server_receive_packet( NULL, 0, &bytes, &sequence ) == NULL ) );
    CHECK_EQUAL( bytes, 12345 );
    CHECK_EQUAL( sequence, 12345 );
    CHECK_MISUSE( netcode_server_free_packet( NULL, NULL ) );
    CHECK_MISUSE( CHECK_EQUAL( netcode_server_num_connected_clients( NULL ), 0 ) );
    CHECK_MISUSE( CHECK( netcode_server_client_user_data( NULL, 0 ) == NULL ) );
    CHECK_MISUSE( netcode_server_process_packet( NULL, &from, data, 100 ) );
    CHECK_MISUSE( netcode_server_connect_loopback_client( NULL, 0, 1, NULL ) );
    CHECK_MISUSE( netcode_server_disconnect_loopback_client( NULL, 0 ) );
    CHECK_MISUSE( CHECK_EQUAL( netcode_server_client_loopback( NULL, 0 ), 0 ) );
    CHECK_MISUSE( netcode_server_process_loopback_packet( NULL, 0, data, 100, 0 ) );
    CHECK_MISUSE( CHECK_EQUAL( netcode_server_get_port( NULL ), 0 ) );
}

static void creates_with_null_pointers_create_nothing( void )
{
    struct netcode_client_config_t client_config;
    struct netcode_server_config_t server_config;
    netcode_default_client_config( &client_config );
    memset( &server_config, 0, sizeof( server_config ) );
    netcode_default_server_config( &server_config );
    CHECK_TOLERATED( CHECK( netcode_client_create( NULL, &client_config, 0.0 ) == NULL ) );
    CHECK( netcode_client_create_error() != NETCODE_CLIENT_CREATE_ERROR_NONE );
    CHECK_TOLERATED( CHECK( netcode_client_create_dual( NULL, "[::1]:0", &client_config, 0.0 ) == NULL ) );
    CHECK_TOLERATED( CHECK( netcode_client_create( "127.0.0.1:0", NULL, 0.0 ) == NULL ) );
    CHECK_TOLERATED( CHECK( netcode_client_create( NULL, NULL, 0.0 ) == NULL ) );
    CHECK_TOLERATED( CHECK( netcode_server_create( NULL, &server_config, 0.0 ) == NULL ) );
    CHECK( netcode_server_create_error() != NETCODE_SERVER_CREATE_ERROR_NONE );
    CHECK_TOLERATED( CHECK( netcode_server_create_dual( NULL, "[::1]:0", &server_config, 0.0 ) == NULL ) );
    CHECK_TOLERATED( CHECK( netcode_server_create( "127.0.0.1:0", NULL, 0.0 ) == NULL ) );
    CHECK_TOLERATED( CHECK( netcode_server_create( NULL, NULL, 0.0 ) == NULL ) );
    CHECK_TOLERATED( netcode_default_client_config( NULL ) );
    CHECK_TOLERATED( netcode_default_server_config( NULL ) );
}

static void a_null_second_address_is_harmless( void )
{
    /* one socket, or none and an error */
    struct netcode_client_config_t client_config;
    struct netcode_server_config_t server_config;
    struct netcode_client_t * client = NULL;
    struct netcode_server_t * server = NULL;
    netcode_default_client_config( &client_config );
    memset( &server_config, 0, sizeof( server_config ) );
    netcode_default_server_config( &server_config );
    CHECK_TOLERATED( client = netcode_client_create_dual( "127.0.0.1:0", NULL, &client_config, 0.0 ) );
    CHECK_EQUAL( netcode_client_create_error() == NETCODE_CLIENT_CREATE_ERROR_NONE, client != NULL );
    if ( client )
        netcode_client_destroy( client );
    CHECK_TOLERATED( server = netcode_server_create_dual( "127.0.0.1:0", NULL, &server_config, 0.0 ) );
    CHECK_EQUAL( netcode_server_create_error() == NETCODE_SERVER_CREATE_ERROR_NONE, server != NULL );
    if ( server )
        netcode_server_destroy( server );
}

/* ---- null pointers ---- */

static void null_pointers_given_to_a_client_are_harmless( void )
{
    struct net_pair pair = open_pair();
    struct netcode_address_t from = pair.server->address;
    struct netcode_client_t * client = pair.client->client;
    uint8_t data[100] = { 0 };
    void * packet = NULL;
    int sent = net_total_sent( pair.client );
    uint64_t sequence = netcode_client_next_packet_sequence( client );
    CHECK_MISUSE( netcode_client_send_packet( client, NULL, 100 ) );
    CHECK_EQUAL( net_total_sent( pair.client ), sent );
    CHECK( netcode_client_next_packet_sequence( client ) == sequence );
    CHECK_TOLERATED( netcode_client_free_packet( client, NULL ) );
    CHECK_TOLERATED( netcode_client_process_packet( client, NULL, data, 100 ) );
    CHECK_TOLERATED( netcode_client_process_packet( client, &from, NULL, 100 ) );
    CHECK_TOLERATED( netcode_client_process_packet( client, NULL, NULL, 0 ) );
    CHECK_TOLERATED( netcode_client_process_loopback_packet( client, NULL, 100, 0 ) );

    netcode_server_send_packet( pair.server->server, 0, data, 100 );
    net_step( pair.net, NET_TICK );
    CHECK_TOLERATED( packet = netcode_client_receive_packet( client, NULL, NULL ) );
    if ( packet )
        netcode_client_free_packet( client, packet );
    close_pair( &pair );
}

static void a_null_token_connects_nowhere( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 ), * client = net_client( net, NET_CLIENT );
    netcode_set_assert_function( count_assert );
    CHECK_MISUSE( netcode_client_connect( client->client, NULL ) );
    CHECK( net_state( client ) <= NETCODE_CLIENT_STATE_DISCONNECTED );
    net_settle( net );
    CHECK_EQUAL( net_total_sent( client ), 0 );
    CHECK( net_connect( client, server, 1 ) );
    net_destroy( net );
}

static void null_pointers_given_to_a_server_are_harmless( void )
{
    struct net_pair pair = open_pair();
    struct netcode_address_t from = pair.client->address;
    struct netcode_server_t * server = pair.server->server;
    uint8_t data[100] = { 0 };
    void * packet = NULL;
    int sent = net_total_sent( pair.server );
    uint64_t sequence = netcode_server_next_packet_sequence( server, 0 );
    CHECK_MISUSE( netcode_server_send_packet( server, 0, NULL, 100 ) );
    CHECK_EQUAL( net_total_sent( pair.server ), sent );
    CHECK( netcode_server_next_packet_sequence( server, 0 ) == sequence );
    CHECK_TOLERATED( netcode_server_free_packet( server, NULL ) );
    CHECK_TOLERATED( netcode_server_process_packet( server, NULL, data, 100 ) );
    CHECK_TOLERATED( netcode_server_process_packet( server, &from, NULL, 100 ) );
    CHECK_TOLERATED( netcode_server_process_packet( server, NULL, NULL, 0 ) );
    CHECK_TOLERATED( netcode_server_process_loopback_packet( server, 0, NULL, 100, 0 ) );

    netcode_client_send_packet( pair.client->client, data, 100 );
    net_step( pair.net, NET_TICK );
    CHECK_TOLERATED( packet = netcode_server_receive_packet( server, 0, NULL, NULL ) );
    if ( packet )
        netcode_server_free_packet( server, packet );
    close_pair( &pair );
}

/* ---- slots ---- */

static void slots_out_of_range_are_neutral( void )
{
    struct net_pair pair = open_pair();
    struct netcode_server_t * server = pair.server->server;
    uint8_t data[100] = { 0 };
    uint64_t sequence = 12345;
    int i, bytes = 12345, sent = net_total_sent( pair.server );
    for ( i = 0; i < WRONG_SLOTS; i++ )
    {
        int slot = wrong_slots[i];
        /* a program may look through all slots there could be */
        CHECK_TOLERATED( CHECK_EQUAL( netcode_server_client_connected( server, slot ), 0 ) );
        CHECK_TOLERATED( CHECK_EQUAL( netcode_server_client_disconnect_reason( server, slot ), NETCODE_SERVER_CLIENT_DISCONNECT_REASON_NONE ) );
        CHECK_TOLERATED( CHECK_EQUAL( netcode_server_client_id( server, slot ), 0 ) );
        CHECK_TOLERATED( CHECK( netcode_server_client_address( server, slot ) == NULL ) );
        CHECK_TOLERATED( CHECK( netcode_server_client_user_data( server, slot ) == NULL ) );
        CHECK_TOLERATED( CHECK_EQUAL( netcode_server_client_loopback( server, slot ), 0 ) );
        CHECK_TOLERATED( CHECK_EQUAL( netcode_server_next_packet_sequence( server, slot ), 0 ) );
        CHECK_TOLERATED( CHECK( netcode_server_receive_packet( server, slot, &bytes, &sequence ) == NULL ) );
        CHECK_EQUAL( bytes, 12345 );
        CHECK_EQUAL( sequence, 12345 );
        CHECK_MISUSE( netcode_server_send_packet( server, slot, data, 100 ) );
        CHECK_MISUSE( netcode_server_disconnect_client( server, slot ) );
        CHECK_MISUSE( netcode_server_process_loopback_packet( server, slot, data, 100, 0 ) );
    }
    CHECK_EQUAL( net_total_sent( pair.server ), sent );
    close_pair( &pair );
}

static void empty_slots_are_neutral( void )
{
    struct net_pair pair = open_pair();
    struct netcode_server_t * server = pair.server->server;
    struct netcode_address_t * address = NULL;
    uint8_t data[100] = { 0 }, * user_data = NULL;
    uint64_t sequence = 12345;
    int slot, i, bytes = 12345, sent = net_total_sent( pair.server );
    for ( slot = 1; slot < 4; slot++ )
    {
        CHECK_LEGAL( CHECK_EQUAL( netcode_server_client_connected( server, slot ), 0 ) );
        CHECK_LEGAL( CHECK_EQUAL( netcode_server_client_disconnect_reason( server, slot ), NETCODE_SERVER_CLIENT_DISCONNECT_REASON_NONE ) );
        CHECK_LEGAL( CHECK_EQUAL( netcode_server_client_id( server, slot ), 0 ) );
        CHECK_LEGAL( address = netcode_server_client_address( server, slot ) );
        CHECK( address && address->type == NETCODE_ADDRESS_NONE );
        CHECK_LEGAL( user_data = (uint8_t *) netcode_server_client_user_data( server, slot ) );
        REQUIRE( user_data != NULL );
        for ( i = 0; i < NETCODE_USER_DATA_BYTES; i++ )
            CHECK_EQUAL( user_data[i], 0 );
        CHECK_LEGAL( CHECK_EQUAL( netcode_server_client_loopback( server, slot ), 0 ) );
        CHECK_LEGAL( CHECK_EQUAL( netcode_server_next_packet_sequence( server, slot ), 0 ) );
        CHECK_TOLERATED( CHECK( netcode_server_receive_packet( server, slot, &bytes, &sequence ) == NULL ) );
        CHECK_EQUAL( bytes, 12345 );
        CHECK_EQUAL( sequence, 12345 );
        CHECK_TOLERATED( netcode_server_send_packet( server, slot, data, 100 ) );
        CHECK_TOLERATED( netcode_server_disconnect_client( server, slot ) );
        CHECK_TOLERATED( netcode_server_process_loopback_packet( server, slot, data, 100, 0 ) );
        CHECK_TOLERATED( netcode_server_disconnect_loopback_client( server, slot ) );
        CHECK( netcode_server_receive_packet( server, slot, &bytes, &sequence ) == NULL );
    }
    CHECK_EQUAL( net_total_sent( pair.server ), sent );
    CHECK_EQUAL( net_num_events( pair.server ), 1 );
    close_pair( &pair );
}

/* ---- sizes ---- */

static void payloads_of_a_wrong_size_are_an_error_and_not_sent( void )
{
    struct net_pair pair = open_pair();
    static uint8_t data[65536];
    int i, client_sent = net_total_sent( pair.client ), server_sent = net_total_sent( pair.server );
    uint64_t client_sequence = netcode_client_next_packet_sequence( pair.client->client );
    uint64_t server_sequence = netcode_server_next_packet_sequence( pair.server->server, 0 );
    netcode_set_printf_function( count_messages );
    netcode_log_level( NETCODE_LOG_LEVEL_ERROR );
    for ( i = 0; i < WRONG_SIZES; i++ )
    {
        messages = 0;
        CHECK_MISUSE( netcode_client_send_packet( pair.client->client, data, wrong_sizes[i] ) );
        CHECK( messages >= 1 );
        messages = 0;
        CHECK_MISUSE( netcode_server_send_packet( pair.server->server, 0, data, wrong_sizes[i] ) );
        CHECK( messages >= 1 );
    }
    netcode_log_level( NETCODE_LOG_LEVEL_NONE );
    CHECK_EQUAL( net_total_sent( pair.client ), client_sent );
    CHECK_EQUAL( net_total_sent( pair.server ), server_sent );
    CHECK( netcode_client_next_packet_sequence( pair.client->client ) == client_sequence );
    CHECK( netcode_server_next_packet_sequence( pair.server->server, 0 ) == server_sequence );
    close_pair( &pair );
}

static void datagrams_of_a_wrong_size_are_ignored( void )
{
    struct net_pair pair = open_pair();
    static const int sizes[] = { 0, -1, LEAST_INT, 1, 2, 17, 18, 1301, 5000 };
    static uint8_t data[5000];
    struct netcode_address_t client = pair.client->address, server = pair.server->address, stranger = net_address( "10.9.9.9:9" );
    int i, first;
    for ( i = 0; i < 9; i++ )
    {
        for ( first = 0; first < 256; first++ )
        {
            memset( data, first, sizeof( data ) );
            CHECK_TOLERATED( netcode_client_process_packet( pair.client->client, &server, data, sizes[i] ) );
            CHECK_TOLERATED( netcode_client_process_packet( pair.client->client, &stranger, data, sizes[i] ) );
            CHECK_TOLERATED( netcode_server_process_packet( pair.server->server, &client, data, sizes[i] ) );
            CHECK_TOLERATED( netcode_server_process_packet( pair.server->server, &stranger, data, sizes[i] ) );
        }
    }
    close_pair( &pair );
}

static void datagrams_from_no_address_are_harmless( void )
{
    struct net_pair pair = open_pair();
    struct netcode_address_t from;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], request[NET_REQUEST_BYTES];
    int type;
    for ( type = 0; type < 256; type += type < 5 ? 1 : 50 )
    {
        if ( type == NETCODE_ADDRESS_IPV4 || type == NETCODE_ADDRESS_IPV6 )
            continue;
        memset( &from, 0xEE, sizeof( from ) );
        from.type = (uint8_t) type;
        net_token_for( pair.server, token, 5, 5000 + (uint64_t) type );
        net_request( token, request );
        CHECK_TOLERATED( netcode_server_process_packet( pair.server->server, &from, request, (int) sizeof( request ) ) );
        CHECK_TOLERATED( netcode_client_process_packet( pair.client->client, &from, request, (int) sizeof( request ) ) );
    }
    close_pair( &pair );
}

/* ---- order of calls ---- */

static void starts_with_a_wrong_number_of_slots_do_not_start( void )
{
    static const int wrong[] = { 0, -1, 257, 1000000, LEAST_INT, GREATEST_INT };
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 0 ), * client = net_client( net, NET_CLIENT );
    int i;
    netcode_set_assert_function( count_assert );
    netcode_set_printf_function( count_messages );
    for ( i = 0; i < 6; i++ )
    {
        messages = 0;
        netcode_log_level( NETCODE_LOG_LEVEL_ERROR );
        CHECK_MISUSE( netcode_server_start( server->server, wrong[i] ) );
        netcode_log_level( NETCODE_LOG_LEVEL_NONE );
        CHECK( messages >= 1 );
        CHECK_EQUAL( netcode_server_running( server->server ), 0 );
        CHECK_EQUAL( netcode_server_max_clients( server->server ), 0 );
    }
    CHECK_LEGAL( netcode_server_start( server->server, 1 ) );
    CHECK_EQUAL( netcode_server_max_clients( server->server ), 1 );
    CHECK_LEGAL( netcode_server_start( server->server, 256 ) );
    CHECK_EQUAL( netcode_server_max_clients( server->server ), 256 );
    CHECK( net_connect( client, server, 1 ) );
    /* what a wrong start does to a running server is open, but it is harmless */
    CHECK_MISUSE( netcode_server_start( server->server, 257 ) );
    net_settle( net );
    net_destroy( net );
}

static void stopping_twice_is_harmless( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 0 ), * client = net_client( net, NET_CLIENT );
    netcode_set_assert_function( count_assert );
    CHECK_TOLERATED( netcode_server_stop( server->server ) );
    netcode_server_start( server->server, 4 );
    CHECK( net_connect( client, server, 1 ) );
    netcode_server_stop( server->server );
    CHECK_TOLERATED( netcode_server_stop( server->server ) );
    CHECK( net_history_is( server, "+0 -0:3" ) );
    CHECK_EQUAL( server->sent[NET_DISCONNECT], 10 );
    net_destroy( net );
}

static void calls_on_a_stopped_server_are_neutral( void )
{
    struct net_pair pair = open_pair();
    struct netcode_server_t * server = pair.server->server;
    struct netcode_address_t from = pair.client->address;
    uint8_t data[100] = { 0 };
    uint64_t sequence = 12345;
    int slot, bytes = 12345, sent;
    netcode_server_stop( server );
    sent = net_total_sent( pair.server );
    CHECK_LEGAL( CHECK_EQUAL( netcode_server_running( server ), 0 ) );
    CHECK_LEGAL( CHECK_EQUAL( netcode_server_max_clients( server ), 0 ) );
    CHECK_LEGAL( CHECK_EQUAL( netcode_server_num_connected_clients( server ), 0 ) );
    for ( slot = -1; slot <= 256; slot++ )
    {
        CHECK_TOLERATED( CHECK_EQUAL( netcode_server_client_connected( server, slot ), 0 ) );
        CHECK_TOLERATED( CHECK_EQUAL( netcode_server_client_disconnect_reason( server, slot ), 0 ) );
        CHECK_TOLERATED( CHECK_EQUAL( netcode_server_client_id( server, slot ), 0 ) );
        CHECK_TOLERATED( CHECK( netcode_server_client_address( server, slot ) == NULL ) );
        CHECK_TOLERATED( CHECK( netcode_server_client_user_data( server, slot ) == NULL ) );
        CHECK_TOLERATED( CHECK_EQUAL( netcode_server_client_loopback( server, slot ), 0 ) );
        CHECK_TOLERATED( CHECK_EQUAL( netcode_server_next_packet_sequence( server, slot ), 0 ) );
        CHECK_TOLERATED( CHECK( netcode_server_receive_packet( server, slot, &bytes, &sequence ) == NULL ) );
        CHECK_TOLERATED( netcode_server_send_packet( server, slot, data, 100 ) );
        CHECK_TOLERATED( netcode_server_disconnect_client( server, slot ) );
        CHECK_TOLERATED( netcode_server_connect_loopback_client( server, slot, 1, NULL ) );
        CHECK_TOLERATED( netcode_server_disconnect_loopback_client( server, slot ) );
        CHECK_TOLERATED( netcode_server_process_loopback_packet( server, slot, data, 100, 0 ) );
    }
    CHECK_EQUAL( bytes, 12345 );
    CHECK_EQUAL( sequence, 12345 );
    CHECK_TOLERATED( netcode_server_disconnect_all_clients( server ) );
    CHECK_TOLERATED( netcode_server_process_packet( server, &from, data, 100 ) );
    CHECK_LEGAL( netcode_server_update( server, pair.net->time ) );
    CHECK_EQUAL( net_total_sent( pair.server ), sent );
    CHECK_EQUAL( net_num_events( pair.server ), 2 );
    net_pair_close( &pair );
}

static void calls_on_a_client_that_never_connected_are_neutral( void )
{
    struct net * net = net_create();
    struct net_endpoint * client = net_client( net, NET_CLIENT );
    struct netcode_address_t from = net_address( NET_SERVER ), * address = NULL;
    static uint8_t data[1200];
    uint64_t sequence = 12345;
    int i, bytes = 12345;
    netcode_set_assert_function( count_assert );
    CHECK_LEGAL( CHECK_EQUAL( netcode_client_state( client->client ), NETCODE_CLIENT_STATE_DISCONNECTED ) );
    CHECK_LEGAL( CHECK_EQUAL( netcode_client_index( client->client ), 0 ) );
    CHECK_LEGAL( CHECK_EQUAL( netcode_client_max_clients( client->client ), 0 ) );
    CHECK_LEGAL( CHECK_EQUAL( netcode_client_next_packet_sequence( client->client ), 0 ) );
    CHECK_LEGAL( CHECK_EQUAL( netcode_client_loopback( client->client ), 0 ) );
    CHECK_LEGAL( CHECK( netcode_client_receive_packet( client->client, &bytes, &sequence ) == NULL ) );
    CHECK_EQUAL( bytes, 12345 );
    CHECK_EQUAL( sequence, 12345 );
    CHECK_LEGAL( address = netcode_client_server_address( client->client ) );
    CHECK( address && address->type == NETCODE_ADDRESS_NONE );
    CHECK_LEGAL( netcode_client_send_packet( client->client, data, 100 ) );
    for ( i = 0; i < WRONG_SIZES; i++ )
        CHECK_TOLERATED( netcode_client_send_packet( client->client, data, wrong_sizes[i] ) );
    CHECK_LEGAL( netcode_client_process_packet( client->client, &from, data, 100 ) );
    CHECK_LEGAL( netcode_client_update( client->client, 1.0 ) );
    CHECK_LEGAL( netcode_client_disconnect( client->client ) );
    CHECK_LEGAL( netcode_client_disconnect( client->client ) );
    CHECK_EQUAL( net_total_sent( client ), 0 );
    CHECK_EQUAL( net_num_events( client ), 0 );
    net_destroy( net );
}

static void calls_after_a_disconnect_are_neutral( void )
{
    struct net_pair pair = open_pair();
    struct netcode_client_t * client = pair.client->client;
    struct netcode_address_t * address = NULL;
    uint8_t data[100] = { 0 };
    uint64_t sequence;
    int bytes, sent;
    netcode_server_send_packet( pair.server->server, 0, data, 100 );
    CHECK_LEGAL( netcode_client_disconnect( client ) );
    sent = net_total_sent( pair.client );
    CHECK_LEGAL( netcode_client_disconnect( client ) );
    CHECK_LEGAL( netcode_client_send_packet( client, data, 100 ) );
    net_settle( pair.net );
    CHECK_EQUAL( net_total_sent( pair.client ), sent );
    CHECK_EQUAL( net_state( pair.client ), NETCODE_CLIENT_STATE_DISCONNECTED );
    CHECK( netcode_client_receive_packet( client, &bytes, &sequence ) == NULL );
    CHECK_EQUAL( netcode_client_index( client ), 0 );
    CHECK_EQUAL( netcode_client_max_clients( client ), 0 );
    CHECK_EQUAL( netcode_client_next_packet_sequence( client ), 0 );
    CHECK_LEGAL( address = netcode_client_server_address( client ) );
    CHECK( address && address->type == NETCODE_ADDRESS_NONE );
    /* the server's side of it */
    CHECK_TOLERATED( netcode_server_disconnect_client( pair.server->server, 0 ) );
    CHECK_TOLERATED( netcode_server_send_packet( pair.server->server, 0, data, 100 ) );
    CHECK( net_history_is( pair.server, "+0 -0:2" ) );
    CHECK( net_connect( pair.client, pair.server, 9 ) );
    close_pair( &pair );
}

static void connecting_again_and_again_is_harmless( void )
{
    struct net_pair pair = open_pair();
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    int i;
    for ( i = 0; i < 20; i++ )
    {
        net_token_for( pair.server, token, 5, 100 + (uint64_t) i );
        CHECK_LEGAL( netcode_client_connect( pair.client->client, token ) );
        CHECK_EQUAL( net_state( pair.client ), NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST );
    }
    CHECK( net_run_until( pair.client, NETCODE_CLIENT_STATE_CONNECTED ) );
    CHECK_EQUAL( netcode_server_client_id( pair.server->server, netcode_client_index( pair.client->client ) ), 119 );
    close_pair( &pair );
}

/* ---- loopback calls on what is not loopback, and the other way round ---- */

static void ignore_loopback_packet( void * context, int client_index, const uint8_t * data, int bytes, uint64_t sequence )
{
    (void) context;
    (void) client_index;
    (void) data;
    (void) bytes;
    (void) sequence;
}

static void loopback_calls_on_real_connections_do_nothing( void )
{
    struct net_pair pair = open_pair();
    uint8_t data[100] = { 0 };
    CHECK_TOLERATED( netcode_client_disconnect_loopback( pair.client->client ) );
    CHECK_EQUAL( net_state( pair.client ), NETCODE_CLIENT_STATE_CONNECTED );
    CHECK_TOLERATED( netcode_client_process_loopback_packet( pair.client->client, data, 100, 0 ) );
    CHECK_EQUAL( net_discard_payloads( pair.client, 0 ), 0 );
    CHECK_TOLERATED( netcode_server_disconnect_loopback_client( pair.server->server, 0 ) );
    CHECK_EQUAL( netcode_server_client_connected( pair.server->server, 0 ), 1 );
    CHECK_TOLERATED( netcode_server_process_loopback_packet( pair.server->server, 0, data, 100, 0 ) );
    CHECK_EQUAL( net_discard_payloads( pair.server, 0 ), 0 );
    CHECK( net_history_is( pair.client, "0>1 1>2 2>3" ) );
    CHECK( net_history_is( pair.server, "+0" ) );
    close_pair( &pair );
}

static void loopback_calls_on_a_disconnected_client_do_nothing( void )
{
    struct net * net = net_create();
    struct net_endpoint * client = net_client( net, NET_CLIENT );
    uint8_t data[100] = { 0 };
    netcode_set_assert_function( count_assert );
    CHECK_TOLERATED( netcode_client_disconnect_loopback( client->client ) );
    CHECK_TOLERATED( netcode_client_process_loopback_packet( client->client, data, 100, 0 ) );
    CHECK_EQUAL( net_state( client ), NETCODE_CLIENT_STATE_DISCONNECTED );
    CHECK_EQUAL( net_discard_payloads( client, 0 ), 0 );
    net_destroy( net );
}

static void calls_for_the_network_on_loopback_clients_are_harmless( void )
{
    struct net * net = net_create();
    struct netcode_client_config_t client_config;
    struct netcode_server_config_t server_config;
    struct net_endpoint * client, * server;
    struct netcode_address_t from = net_address( NET_SERVER );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], data[100];
    netcode_default_client_config( &client_config );
    client_config.send_loopback_packet_callback = ignore_loopback_packet;
    memset( &server_config, 0, sizeof( server_config ) );
    netcode_default_server_config( &server_config );
    server_config.send_loopback_packet_callback = ignore_loopback_packet;
    client = net_client_with( net, NET_CLIENT, client_config );
    server = net_server_with( net, NET_SERVER, 4, server_config );
    netcode_set_assert_function( count_assert );
    net_token_for( server, token, 5, 1 );

    netcode_client_connect_loopback( client->client, 1, 4 );
    memset( data, 0x15, sizeof( data ) );
    CHECK_TOLERATED( netcode_client_process_packet( client->client, &from, data, 100 ) );
    CHECK_EQUAL( net_state( client ), NETCODE_CLIENT_STATE_CONNECTED );
    CHECK_TOLERATED( netcode_client_connect_loopback( client->client, 2, 8 ) );
    CHECK_EQUAL( netcode_client_index( client->client ), 1 );
    /* these two may be taken as a wish to leave, or not at all */
    CHECK_TOLERATED( netcode_client_connect( client->client, token ) );
    CHECK_TOLERATED( netcode_client_disconnect( client->client ) );
    CHECK( net_state( client ) == NETCODE_CLIENT_STATE_CONNECTED || net_state( client ) == NETCODE_CLIENT_STATE_DISCONNECTED );
    net_settle( net );

    netcode_server_connect_loopback_client( server->server, 3, 5, NULL );
    CHECK_MISUSE( netcode_server_disconnect_client( server->server, 3 ) );
    CHECK_EQUAL( netcode_server_client_connected( server->server, 3 ), 1 );
    net_destroy( net );
}

/* ---- without init ---- */

static void all_works_without_init( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = NULL, * client = NULL;
    netcode_term();
    netcode_set_assert_function( count_assert );
    CHECK_MISUSE( server = net_server( net, NET_SERVER, 4 ) );
    CHECK_MISUSE( client = net_client( net, NET_CLIENT ) );
    REQUIRE( server->server && client->client );
    CHECK( net_connect( client, server, 1 ) );
    net_settle( net );
    netcode_client_disconnect( client->client );
    net_settle( net );
    CHECK_EQUAL( netcode_server_num_connected_clients( server->server ), 0 );
    net_destroy( net ); /* one netcode_term too many */
}

/* ---- odd times ---- */

static double odd_times[12];
#define ODD_TIMES 12

static void make_odd_times( void )
{
    odd_times[0] = strtod( "nan", NULL );
    odd_times[1] = strtod( "inf", NULL );
    odd_times[2] = -strtod( "inf", NULL );
    odd_times[3] = 1e308;
    odd_times[4] = -1e308;
    odd_times[5] = 1e18;
    odd_times[6] = -1.0;
    odd_times[7] = 0.0;
    odd_times[8] = -odd_times[0];
    odd_times[9] = 5e-324;
    odd_times[10] = 1e15;
    odd_times[11] = NET_START_TIME / 2;
}

/* Back to a sane clock: after one update on it a new connection works. */
static void check_recovery( struct net_pair * pair, uint64_t id )
{
    netcode_client_disconnect( pair->client->client );
    pair->net->time = NET_START_TIME + 1000.0;
    net_settle( pair->net );
    netcode_server_disconnect_all_clients( pair->server->server );
    net_settle( pair->net );
    CHECK( net_connect( pair->client, pair->server, id ) );
    CHECK_EQUAL( netcode_server_num_connected_clients( pair->server->server ), 1 );
}

static void odd_times_in_a_connected_session_are_harmless( void )
{
    int i, j, who;
    for ( i = 0; i < ODD_TIMES; i++ )
    {
        for ( who = 1; who <= 3; who++ )
        {
            struct net_pair pair = open_pair();
            uint8_t data[100] = { 0 };
            for ( j = 0; j < 3; j++ )
            {
                netcode_client_send_packet( pair.client->client, data, 100 );
                netcode_server_send_packet( pair.server->server, 0, data, 100 );
                if ( who & 1 )
                    CHECK_TOLERATED( netcode_client_update( pair.client->client, odd_times[i] ) );
                if ( who & 2 )
                    CHECK_TOLERATED( netcode_server_update( pair.server->server, odd_times[i] ) );
            }
            check_recovery( &pair, 5000 );
            close_pair( &pair );
        }
    }
}

static void odd_times_while_connecting_are_harmless( void )
{
    int i, j;
    for ( i = 0; i < ODD_TIMES; i++ )
    {
        struct net_pair pair = open_pair();
        uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
        netcode_client_disconnect( pair.client->client );
        net_settle( pair.net );
        net_token_for( pair.server, token, 5, 4000 );
        netcode_client_connect( pair.client->client, token );
        for ( j = 0; j < 5; j++ )
        {
            CHECK_TOLERATED( netcode_client_update( pair.client->client, odd_times[( i + j ) % ODD_TIMES] ) );
            CHECK_TOLERATED( netcode_server_update( pair.server->server, odd_times[( i + 2 * j ) % ODD_TIMES] ) );
        }
        check_recovery( &pair, 5000 );
        close_pair( &pair );
    }
}

static void odd_times_at_create_are_harmless( void )
{
    int i;
    for ( i = 0; i < ODD_TIMES; i++ )
    {
        struct net * net = net_create();
        struct net_endpoint * server, * client;
        netcode_set_assert_function( count_assert );
        net->time = odd_times[i];
        server = net_server( net, NET_SERVER, 4 );
        client = net_client( net, NET_CLIENT );
        net->time = NET_START_TIME;
        net_settle( net );
        CHECK( net_connect( client, server, 1 ) );
        net_destroy( net );
    }
}

static void a_clock_that_runs_backwards_does_not_disconnect( void )
{
    struct net_pair pair = open_pair();
    int i;
    for ( i = 0; i < 200; i++ )
    {
        /* two steps forward, one back: the sum is what counts for timeouts */
        net_step( pair.net, 2 * NET_TICK );
        net_step( pair.net, -NET_TICK );
    }
    CHECK( net_history_is( pair.client, "0>1 1>2 2>3" ) );
    CHECK( net_history_is( pair.server, "+0" ) );
    close_pair( &pair );
}

/* ---- what the handler is told ---- */

static char told_condition[256];
static char told_function[256];
static int told_times;

static void remember_assert( const char * condition, const char * function, const char * file, int line )
{
    told_times++;
    snprintf( told_condition, sizeof( told_condition ), "%s", condition ? condition : "" );
    snprintf( told_function, sizeof( told_function ), "%s", function ? function : "" );
    CHECK( file && file[0] );
    CHECK( line > 0 );
}

static void the_handler_is_told_condition_function_file_and_line( void )
{
    told_times = 0;
    told_condition[0] = told_function[0] = '\0';
    netcode_set_assert_function( remember_assert );
    CHECK_EQUAL( netcode_client_state( NULL ), NETCODE_CLIENT_STATE_DISCONNECTED );
    if ( NETCODE_TEST_ASSERTS )
    {
        CHECK( told_times >= 1 );
        CHECK( strstr( told_condition, "client" ) != NULL );
        CHECK( strstr( told_function, "netcode_client_state" ) != NULL );
    }
    else
    {
        CHECK_EQUAL( told_times, 0 );
    }
    netcode_set_assert_function( count_assert );
}

static struct netcode_server_t * asked_server;

static void query_in_handler( const char * condition, const char * function, const char * file, int line )
{
    (void) condition;
    (void) function;
    (void) file;
    (void) line;
    told_times++;
    CHECK_EQUAL( netcode_server_running( asked_server ), 1 );
    CHECK_EQUAL( netcode_server_num_connected_clients( asked_server ), 1 );
}

static void the_handler_may_call_the_library( void )
{
    struct net_pair pair = open_pair();
    uint8_t data[100] = { 0 };
    asked_server = pair.server->server;
    told_times = 0;
    netcode_set_assert_function( query_in_handler );
    netcode_server_send_packet( asked_server, 0, data, 1201 );
    netcode_server_send_packet( asked_server, -1, data, 100 );
    netcode_server_disconnect_client( asked_server, 1000 );
    netcode_set_assert_function( count_assert );
    CHECK( NETCODE_TEST_ASSERTS ? told_times >= 3 : told_times == 0 );
    close_pair( &pair );
}

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );
    netcode_set_assert_function( count_assert );
    netcode_init();
    make_odd_times();
    TEST( functions_of_no_client_are_neutral );
    TEST( functions_of_no_server_are_neutral );
    TEST( creates_with_null_pointers_create_nothing );
    TEST( a_null_second_address_is_harmless );
    TEST( null_pointers_given_to_a_client_are_harmless );
    TEST( a_null_token_connects_nowhere );
    TEST( null_pointers_given_to_a_server_are_harmless );
    TEST( slots_out_of_range_are_neutral );
    TEST( empty_slots_are_neutral );
    TEST( payloads_of_a_wrong_size_are_an_error_and_not_sent );
    TEST( datagrams_of_a_wrong_size_are_ignored );
    TEST( datagrams_from_no_address_are_harmless );
    TEST( starts_with_a_wrong_number_of_slots_do_not_start );
    TEST( stopping_twice_is_harmless );
    TEST( calls_on_a_stopped_server_are_neutral );
    TEST( calls_on_a_client_that_never_connected_are_neutral );
    TEST( calls_after_a_disconnect_are_neutral );
    TEST( connecting_again_and_again_is_harmless );
    TEST( loopback_calls_on_real_connections_do_nothing );
    TEST( loopback_calls_on_a_disconnected_client_do_nothing );
    TEST( calls_for_the_network_on_loopback_clients_are_harmless );
    TEST( odd_times_in_a_connected_session_are_harmless );
    TEST( odd_times_while_connecting_are_harmless );
    TEST( odd_times_at_create_are_harmless );
    TEST( a_clock_that_runs_backwards_does_not_disconnect );
    TEST( the_handler_is_told_condition_function_file_and_line );
    TEST( the_handler_may_call_the_library );
    netcode_term();
    /* last: from here on the library is not initialised */
    TEST( all_works_without_init );
    return tests_done();
}
