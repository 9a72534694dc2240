/*
 * What makes a connect token fit for a server: its key, protocol id, expiry and addresses, and a private part that
 * reads.
 */
#include "token_ask.h"

#define PUBLIC_ADDRESS "203.0.113.5:40000"

static void the_wrong_private_key_is_ignored( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    int byte;
    for ( byte = 0; byte < NETCODE_KEY_BYTES; byte++ )
    {
        net->private_key[byte] ^= 0x80;
        net_token_for( server, token, NET_TIMEOUT, 1000 );
        net->private_key[byte] ^= 0x80;
        CHECK_EQUAL( ask( server, token, SOURCE ), SILENCE );
    }
    net_destroy( net );
}

static void the_wrong_protocol_id_is_ignored( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    int bit;
    for ( bit = 0; bit < 64; bit += 9 )
    {
        net->protocol_id ^= 1ULL << bit;
        net_token_for( server, token, NET_TIMEOUT, 1000 );
        net->protocol_id ^= 1ULL << bit;
        CHECK_EQUAL( ask( server, token, SOURCE ), SILENCE );

        /* and cannot be corrected afterwards, for it is sealed in */
        net_write_little_endian( token + NET_TOKEN_PROTOCOL_ID, 8, net->protocol_id );
        CHECK_EQUAL( ask( server, token, SOURCE ), SILENCE );
    }
    net_destroy( net );
}

static void a_changed_request_is_ignored( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    int i;
    net_token_for( server, token, NET_TIMEOUT, 1000 );
    for ( i = 0; i < NET_TOKEN_TIMEOUT; i++ )
    {
        if ( i >= NET_TOKEN_CREATE && i < NET_TOKEN_EXPIRE )
            continue;                   /* not part of the request */
        token[i] ^= 1;
        CHECK_EQUAL( ask( server, token, SOURCE ), SILENCE );
        token[i] ^= 1;
    }
    CHECK_EQUAL( ask( server, token, SOURCE ), CHALLENGED );
    net_destroy( net );
}

static void an_expired_token_is_ignored( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    net_token_to( net, token, NET_SERVER, 0, NET_TIMEOUT, 1000 );
    CHECK_EQUAL( ask( server, token, SOURCE ), SILENCE );
    net_destroy( net );
}

static void a_token_for_another_server_is_ignored( void )
{
    static const char * wrong[] = { "10.0.0.1:40001", "10.0.0.2:40000", "10.0.0.1", "[::ffff:10.0.0.1]:40000", "127.0.0.1:40000" };
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    int i;
    for ( i = 0; i < (int) ( sizeof( wrong ) / sizeof( wrong[0] ) ); i++ )
    {
        net_token_to( net, token, wrong[i], NET_LIFETIME, NET_TIMEOUT, 1000 );
        CHECK_EQUAL( ask( server, token, SOURCE ), SILENCE );
    }
    net_destroy( net );
}

static void the_server_may_be_any_of_thirty_two_addresses( void )
{
    static char text[NETCODE_MAX_SERVERS_PER_CONNECT][32];
    const char * addresses[NETCODE_MAX_SERVERS_PER_CONNECT];
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    int i, place;
    for ( i = 0; i < NETCODE_MAX_SERVERS_PER_CONNECT; i++ )
        snprintf( text[i], sizeof( text[i] ), i % 2 ? "[2001:db8::%x]:40000" : "10.8.0.%d:40000", i + 1 );
    for ( place = 0; place < NETCODE_MAX_SERVERS_PER_CONNECT; place++ )
    {
        for ( i = 0; i < NETCODE_MAX_SERVERS_PER_CONNECT; i++ )
            addresses[i] = i == place ? NET_SERVER : text[i];
        net_token( net, token, NETCODE_MAX_SERVERS_PER_CONNECT, addresses, addresses, NET_LIFETIME, NET_TIMEOUT, 1000, NULL );
        CHECK_EQUAL( ask( server, token, SOURCE ), CHALLENGED );
    }
    net_destroy( net );
}

static void the_internal_address_counts_not_the_public_one( void )
{
    const char * public_address = PUBLIC_ADDRESS, * internal_address = NET_SERVER;
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    net_token( net, token, 1, &internal_address, &public_address, NET_LIFETIME, NET_TIMEOUT, 1000, NULL );
    CHECK_EQUAL( ask( server, token, SOURCE ), SILENCE );
    net_token( net, token, 1, &public_address, &internal_address, NET_LIFETIME, NET_TIMEOUT, 1000, NULL );
    CHECK_EQUAL( ask( server, token, SOURCE ), CHALLENGED );
    net_destroy( net );
}

/* Clients reach the server under its public address, as through a router. */

static int translate_addresses( struct net * net, struct net_datagram * datagram )
{
    struct netcode_address_t public_address = net_address( PUBLIC_ADDRESS );
    struct netcode_address_t internal_address = net_address( NET_SERVER );
    (void) net;
    if ( netcode_address_equal( &datagram->to, &public_address ) )
        datagram->to = internal_address;
    if ( netcode_address_equal( &datagram->from, &internal_address ) )
        datagram->from = public_address;
    return 1;
}

static void a_client_connects_to_the_public_address( void )
{
    const char * public_address = PUBLIC_ADDRESS, * internal_address = NET_SERVER;
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    struct net_endpoint * client = net_client( net, NET_CLIENT );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    net->filter = translate_addresses;
    net_token( net, token, 1, &public_address, &internal_address, NET_LIFETIME, NET_TIMEOUT, 1000, NULL );
    netcode_client_connect( client->client, token );
    CHECK( net_address_is( netcode_client_server_address( client->client ), PUBLIC_ADDRESS ) );
    CHECK( net_run_until( client, NETCODE_CLIENT_STATE_CONNECTED ) );
    CHECK( net_history_is( server, "+0" ) );
    net_destroy( net );
}

static void a_dual_server_answers_to_both_its_addresses( void )
{
    static const char * right[] = { NET_SERVER, "[2001:db8::1]:40000" };
    static const char * wrong[] = { "10.0.0.1:40001", "[2001:db8::1]:40001", "[2001:db8::2]:40000" };
    struct net * net = net_create();
    struct net_endpoint * server = net_endpoint( net, NET_SERVER );
    struct netcode_server_config_t config;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    int i;
    netcode_default_server_config( &config );
    net_server_config( server, &config );
    server->is_server = 1;
    server->server = netcode_server_create_dual( right[0], right[1], &config, net->time );
    REQUIRE( server->server != NULL );
    netcode_server_start( server->server, 4 );
    for ( i = 0; i < 2; i++ )
    {
        net_token_to( net, token, right[i], NET_LIFETIME, NET_TIMEOUT, 1000 );
        CHECK_EQUAL( ask( server, token, i ? "[2001:db8::9]:50000" : SOURCE ), CHALLENGED );
        CHECK( respond( server, token, i ? "[2001:db8::9]:50000" : SOURCE, 1 ) );
        netcode_server_disconnect_all_clients( server->server );
    }
    for ( i = 0; i < 3; i++ )
    {
        net_token_to( net, token, wrong[i], NET_LIFETIME, NET_TIMEOUT, 1000 );
        CHECK_EQUAL( ask( server, token, OTHER_HOST ), SILENCE );
    }
    net_destroy( net );
}

/* Sealed with the right key, by someone who has it and gets it wrong. */

static void a_private_part_that_does_not_read_is_ignored( void )
{
    static const int counts[] = { 0, 33, 0x7FFFFFFF, -1 };
    static const int types[] = { 0, 3, 0xFF };
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    int i;
    for ( i = 0; i < 4; i++ )
    {
        net_token_for( server, token, NET_TIMEOUT, 1000 );
        REQUIRE( seal_open_token( token, net->private_key ) );
        net_write_little_endian( token + NET_TOKEN_PRIVATE + SEAL_PRIVATE_NUM_ADDRESSES, 4, (uint32_t) counts[i] );
        seal_close_token( token, net->private_key );
        CHECK_EQUAL( ask( server, token, SOURCE ), SILENCE );
    }
    for ( i = 0; i < 3; i++ )
    {
        net_token_for( server, token, NET_TIMEOUT, 1000 );
        REQUIRE( seal_open_token( token, net->private_key ) );
        token[NET_TOKEN_PRIVATE + SEAL_PRIVATE_ADDRESSES] = (uint8_t) types[i];
        seal_close_token( token, net->private_key );
        CHECK_EQUAL( ask( server, token, SOURCE ), SILENCE );
    }

    /* opened, left alone and sealed again it is good, or the above would prove nothing */
    net_token_for( server, token, NET_TIMEOUT, 1000 );
    REQUIRE( seal_open_token( token, net->private_key ) );
    CHECK_EQUAL( net_read_little_endian( token + NET_TOKEN_PRIVATE + SEAL_PRIVATE_ID, 8 ), 1000 );
    seal_close_token( token, net->private_key );
    CHECK_EQUAL( ask( server, token, SOURCE ), CHALLENGED );
    net_destroy( net );
}

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );

    TEST( the_wrong_private_key_is_ignored );
    TEST( the_wrong_protocol_id_is_ignored );
    TEST( a_changed_request_is_ignored );
    TEST( an_expired_token_is_ignored );
    TEST( a_token_for_another_server_is_ignored );
    TEST( the_server_may_be_any_of_thirty_two_addresses );
    TEST( the_internal_address_counts_not_the_public_one );
    TEST( a_client_connects_to_the_public_address );
    TEST( a_dual_server_answers_to_both_its_addresses );
    TEST( a_private_part_that_does_not_read_is_ignored );

    return tests_done();
}
