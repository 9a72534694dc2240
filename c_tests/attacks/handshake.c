/*
 * Handshakes in bad company: challenges answered by others, every packet first from wrong sources, players who
 * use each other's addresses, and more handshakes than there is room for.
 */
#include "attack.h"

#define PLAYERS 16

struct player
{
    struct netcode_address_t address;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    uint8_t challenge[SEAL_CHALLENGE_BYTES];        /* opened */
    uint64_t sequence;
};

static void player_asks( struct net_endpoint * server, struct player * player, int n )
{
    char text[64];
    uint8_t plain[NET_DATAGRAM_BYTES];
    player->address = net_address( net_client_address( n, text, sizeof( text ) ) );
    player->sequence = 1;
    net_token_for( server, player->token, NET_TIMEOUT, 1000 + (uint64_t) n );
    REQUIRE( answer_to( server, player->token, &player->address ) == NET_CHALLENGE );
    REQUIRE( seal_open_packet( net_last_record( server, NET_CHALLENGE ), plain, server->net->protocol_id, seal_server_key( player->token ) ) == SEAL_CHALLENGE_BYTES );
    memcpy( player->challenge, plain, sizeof( player->challenge ) );
}

/* The challenge of one, under the keys of another, from the address of a third; 1 if that connected anybody. */

static int connects( struct net_endpoint * server, const struct player * challenged, struct player * keys, const struct player * source )
{
    uint8_t packet[NET_DATAGRAM_BYTES];
    int before = netcode_server_num_connected_clients( server->server );
    int bytes = seal_packet( packet, NET_RESPONSE, keys->sequence++, challenged->challenge, SEAL_CHALLENGE_BYTES, server->net->protocol_id, seal_client_key( keys->token ) );
    net_process( server, &source->address, packet, bytes );
    attack_cases++;
    return netcode_server_num_connected_clients( server->server ) != before;
}

static void only_the_owner_answers_a_challenge( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, PLAYERS );
    static struct player players[PLAYERS];
    int i, j, k, wrong = 0, right = 0;
    for ( i = 0; i < PLAYERS; i++ )
        player_asks( server, &players[i], i );
    for ( i = 0; i < PLAYERS; i++ )
    {
        for ( j = 0; j < PLAYERS; j++ )
        {
            for ( k = 0; k < PLAYERS; k++ )
            {
                if ( i != j || j != k )
                    wrong += connects( server, &players[i], &players[j], &players[k] );
            }
        }
    }
    CHECK_EQUAL( wrong, 0 );
    for ( i = 0; i < PLAYERS; i++ )
        right += connects( server, &players[i], &players[i], &players[i] );
    CHECK_EQUAL( right, PLAYERS );
    for ( i = 0; i < PLAYERS; i++ )
        CHECK_EQUAL( netcode_server_client_id( server->server, i ), 1000 + i );
    printf( FIGURES "%d challenges, keys and sources in %d wrong combinations, %d of them connected\n", PLAYERS, PLAYERS * PLAYERS * PLAYERS - PLAYERS, wrong );
    net_destroy( net );
}

/* Each datagram arrives from wrong sources first: strangers, and the other side's own address. */

#define IMPOSTORS 8

static int from_wrong_sources_first( struct net * net, struct net_datagram * datagram )
{
    struct netcode_address_t to = datagram->to, source;
    struct net_endpoint * target = net_endpoint_at( net, &to );
    int i;
    for ( i = 0; target && i <= IMPOSTORS; i++ )
    {
        source = i < IMPOSTORS ? spoofed_source( i ) : target->address;
        net_inject( net, &source, &datagram->to, datagram->data, datagram->bytes );
        attack_cases++;
    }
    return 1;
}

/* In requests the wrong sources come second: the first one to show a token owns it, as tokens.c tries. */

static int from_wrong_sources_next( struct net * net, struct net_datagram * datagram )
{
    struct netcode_address_t to = datagram->to;
    if ( net_type( datagram ) != NET_REQUEST )
        return from_wrong_sources_first( net, datagram );
    if ( net_endpoint_at( net, &to ) )
        net_deliver( net, datagram );
    from_wrong_sources_first( net, datagram );
    return 0;
}

static void a_handshake_succeeds_among_impostors( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 ), * client = net_client( net, NET_CLIENT );
    double undisturbed, disturbed;
    CHECK( net_connect( client, server, 1000 ) );
    undisturbed = net->time - NET_START_TIME;
    netcode_client_disconnect( client->client );
    net_step( net, NET_TICK );
    net_forget( net );

    net->filter = from_wrong_sources_next;
    disturbed = net->time;
    CHECK( net_connect( client, server, 1000 ) );
    disturbed = net->time - disturbed;
    CHECK( disturbed == undisturbed );
    CHECK( net_history_is( client, "0>1 1>2 2>3" ) );
    CHECK( net_history_is( server, "+0" ) );
    CHECK( net_address_is( netcode_server_client_address( server->server, 0 ), NET_CLIENT ) );
    CHECK_EQUAL( server->sent[NET_CHALLENGE], 1 );
    net_settle( net );
    net_forget( net );
    net_steps( net, 2 * (int) ( NET_TIMEOUT / NET_TICK ), NET_TICK );
    CHECK( net_history_is( client, "" ) );
    CHECK( net_history_is( server, "" ) );
    printf( FIGURES "connected after %.4f s of virtual time alone and %.4f s among %d impostors\n", undisturbed, disturbed, IMPOSTORS + 1 );
    net_destroy( net );
}

/* And without the genuine one it is as if nothing had come at all. */

static int types_from_wrong_sources_only;

static int from_wrong_sources_only( struct net * net, struct net_datagram * datagram )
{
    if ( !( types_from_wrong_sources_only >> net_type( datagram ) & 1 ) )
        return 1;
    from_wrong_sources_first( net, datagram );
    return 0;
}

static void impostors_alone_get_a_handshake_no_further( void )
{
    static const struct { int type, state; } stages[] =
    {
        { NET_CHALLENGE, NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST },
        { NET_RESPONSE, NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE },
        { NET_KEEP_ALIVE, NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE }
    };
    int i;
    for ( i = 0; i < 3; i++ )
    {
        struct net * net = net_create();
        struct net_endpoint * server = net_server( net, NET_SERVER, 4 ), * client = net_client( net, NET_CLIENT );
        uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
        types_from_wrong_sources_only = 1 << stages[i].type;
        net->filter = from_wrong_sources_only;
        net_token_for( server, token, NET_TIMEOUT, 1000 );
        netcode_client_connect( client->client, token );
        net_steps( net, 32, NET_TICK );
        CHECK_EQUAL( net_state( client ), stages[i].state );
        CHECK_EQUAL( netcode_server_num_connected_clients( server->server ), stages[i].type == NET_KEEP_ALIVE );
        net_destroy( net );
    }
}

/* A player who sends from the address of another. */

static void a_connected_player_is_safe_from_requests_in_its_name( void )
{
    struct net_pair pair = net_pair_open( 4 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    int i;
    net_forget( pair.net );
    for ( i = 0; i < 100; i++ )
    {
        net_token_for( pair.server, token, NET_TIMEOUT, 2000 + (uint64_t) i );
        CHECK_EQUAL( answer_to( pair.server, token, &pair.client->address ), -1 );
    }
    check_undisturbed( &pair );
    net_pair_close( &pair );
}

/* The server goes by the last valid token of a source, so this can hold a handshake up while it goes on; it can
   neither take it over nor spoil the token. */

static void a_request_in_anothers_name_takes_nothing_over( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 ), * client = net_client( net, NET_CLIENT );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], other[NETCODE_CONNECT_TOKEN_BYTES];
    net_token_for( server, token, NET_TIMEOUT, 1000 );
    net_token_for( server, other, NET_TIMEOUT, 2000 );
    netcode_client_connect( client->client, token );
    client->drop = 1 << NET_RESPONSE;
    CHECK( net_run_until( client, NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE ) );
    CHECK_EQUAL( answer_to( server, other, &client->address ), NET_CHALLENGE );
    client->drop = 0;
    CHECK( !net_run_until( client, NETCODE_CLIENT_STATE_CONNECTED ) );
    CHECK( net_run_until( client, NETCODE_CLIENT_STATE_CONNECTION_RESPONSE_TIMED_OUT ) );
    CHECK_EQUAL( netcode_server_num_connected_clients( server->server ), 0 );

    /* the same token is as good as before */
    CHECK( net_connect_with( client, token ) );
    CHECK_EQUAL( netcode_server_client_id( server->server, 0 ), 1000 );
    net_destroy( net );
}

static void a_flood_of_genuine_handshakes_does_not_disturb_those_before( void )
{
    struct net_pair pair = net_pair_open( 4 );
    struct net_endpoint * early = net_client( pair.net, ANOTHER_CLIENT );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], request[NET_REQUEST_BYTES];
    char text[64];
    int i;
    net_token_for( pair.server, token, NET_TIMEOUT, 2000 );
    early->drop = 1 << NET_RESPONSE;
    netcode_client_connect( early->client, token );
    CHECK( net_run_until( early, NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE ) );
    for ( i = 0; i < 1500; i++ )
    {
        struct netcode_address_t source = net_address( net_client_address( i, text, sizeof( text ) ) );
        net_token_for( pair.server, token, NET_TIMEOUT, 3000 + (uint64_t) i );
        net_process( pair.server, &source, request, net_request( token, request ) );
    }
    early->drop = 0;
    CHECK( net_run_until( early, NETCODE_CLIENT_STATE_CONNECTED ) );
    net_settle( pair.net );
    net_forget( pair.net );
    check_undisturbed( &pair );
    net_pair_close( &pair );
}

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );
    TEST( only_the_owner_answers_a_challenge );
    TEST( a_handshake_succeeds_among_impostors );
    TEST( impostors_alone_get_a_handshake_no_further );
    TEST( a_connected_player_is_safe_from_requests_in_its_name );
    TEST( a_request_in_anothers_name_takes_nothing_over );
    TEST( a_flood_of_genuine_handshakes_does_not_disturb_those_before );
    return attack_done();
}
