/*
 * A full server, and ten hostile datagrams for each good one, in both directions. Over overrides nothing but the
 * library could lose a packet, so not one may be lost.
 */
#include "flood.h"

struct game
{
    struct net * net;
    struct net_endpoint * server, * clients[PLAYERS];
    struct flood flood;
    struct net_datagram old[PLAYERS];   /* a payload of each player that the server has had */
    int flooded, extra, largest_update;  /* extra: payloads that came twice, and callbacks */
    double longest_update;
};

static void game_open( struct game * game )
{
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    char text[64];
    int i;
    memset( game, 0, sizeof( *game ) );
    game->flood.random = 0xF100D;
    game->net = net_create();
    game->server = net_server( game->net, NET_SERVER, PLAYERS );
    for ( i = 0; i < PLAYERS; i++ )
    {
        game->clients[i] = net_client( game->net, net_client_address( i, text, sizeof( text ) ) );
        net_token_for( game->server, token, FLOOD_TIMEOUT, 1000 + (uint64_t) i );
        net_request( token, game->flood.used[i] );
        CHECK( net_connect_with( game->clients[i], token ) );
        CHECK_EQUAL( netcode_client_index( game->clients[i]->client ), i );
        net_forget( game->net );
    }
    for ( i = 0; i < FLOOD_TOKENS; i++ )
    {
        net_token_for( game->server, token, NET_TIMEOUT, 5000 + (uint64_t) i );
        net_request( token, game->flood.unused[i] );
    }
    net_settle( game->net );
    for ( i = 0; i < PLAYERS; i++ )
    {
        netcode_client_send_packet( game->clients[i]->client, (const uint8_t *) "old", 4 );
        game->old[i] = withheld( game->clients[i], NET_PAYLOAD );
        net_update( game->server, game->net->time );
        CHECK_EQUAL( net_discard_payloads( game->server, i ), 1 );
    }
    net_forget( game->net );
}

/* To the server from strangers, from the address of a player, and from there what it sent before; to a client from
   its server's address. */

static void flood_one( struct game * game, int to_client )
{
    uint8_t data[NET_DATAGRAM_BYTES];
    int dice = (int) ( net_random( &game->flood.random ) >> 32 & 0xFFFF ), player = dice % PLAYERS;
    struct netcode_address_t source = dice & 1 ? game->clients[player]->address : spoofed_source( dice );
    int bytes = flood_next( &game->flood, data );
    game->flooded++;
    if ( to_client >= 0 )
        net_inject( game->net, &game->server->address, &game->clients[to_client]->address, data, bytes );
    else if ( dice % 8 == 0 )
        net_replay( game->net, &game->old[player] );
    else
        net_inject( game->net, &source, &game->server->address, data, bytes );
}

static void timed_update( struct game * game, struct net_endpoint * endpoint, double time )
{
    double start = netcode_time();
    endpoint->receive_calls = 0;
    net_update( endpoint, time );
    if ( endpoint->receive_calls - 1 > game->largest_update )
        game->largest_update = endpoint->receive_calls - 1;
    if ( netcode_time() - start > game->longest_update )
        game->longest_update = netcode_time() - start;
}

/* One tick of the game; how many of its payloads arrived as they should, each once. */

static int play( struct game * game, int tick, int flood )
{
    uint8_t payload[NETCODE_MAX_PACKET_SIZE], * packet;
    int i, n, bytes, arrived = 0;
    for ( i = 0; i < PLAYERS; i++ )
    {
        net_fill( payload, PAYLOAD_BYTES( i ), PAYLOAD_SEED( i, tick, 1 ) );
        netcode_client_send_packet( game->clients[i]->client, payload, PAYLOAD_BYTES( i ) );
        for ( n = 0; n < flood; n++ )
            flood_one( game, -1 );
    }
    timed_update( game, game->server, game->net->time + FLOOD_TICK );
    for ( i = 0; i < PLAYERS; i++ )
    {
        packet = netcode_server_receive_packet( game->server->server, i, &bytes, NULL );
        if ( packet )
        {
            arrived += bytes == PAYLOAD_BYTES( i ) && net_filled( packet, bytes, PAYLOAD_SEED( i, tick, 1 ) );
            netcode_server_free_packet( game->server->server, packet );
        }
        game->extra += net_discard_payloads( game->server, i );
        net_fill( payload, PAYLOAD_BYTES( i ), PAYLOAD_SEED( i, tick, 0 ) );
        netcode_server_send_packet( game->server->server, i, payload, PAYLOAD_BYTES( i ) );
        for ( n = 0; n < flood; n++ )
            flood_one( game, i );
        timed_update( game, game->clients[i], game->net->time );
        packet = netcode_client_receive_packet( game->clients[i]->client, &bytes, NULL );
        if ( packet )
        {
            arrived += bytes == PAYLOAD_BYTES( i ) && net_filled( packet, bytes, PAYLOAD_SEED( i, tick, 0 ) );
            netcode_client_free_packet( game->clients[i]->client, packet );
        }
        game->extra += net_discard_payloads( game->clients[i], 0 );
    }
    game->extra += game->net->num_events;
    net_forget( game->net );
    return arrived;
}

static void play_on( int flood )
{
    static struct game game;
    int tick, arrived = 0, sent = 2 * PLAYERS * FLOOD_TICKS;
    game_open( &game );
    for ( tick = 0; tick < FLOOD_TICKS; tick++ )
        arrived += play( &game, tick, flood );
    CHECK_EQUAL( arrived, sent );
    CHECK_EQUAL( game.extra, 0 );
    CHECK_EQUAL( game.net->lost, 0 );
    CHECK_EQUAL( netcode_server_num_connected_clients( game.server->server ), PLAYERS );
    CHECK_EQUAL( game.flooded, flood * sent );
    printf( FIGURES "%d players, %d payloads among %d hostile datagrams: %d lost; at most %d datagrams in an update, which took %.3f ms\n", PLAYERS, sent, game.flooded, sent - arrived, game.largest_update, 1000.0 * game.longest_update );
    attack_cases += game.flooded;
    net_destroy( game.net );
}

static void a_full_server_loses_nothing_without_a_flood( void )
{
    play_on( 0 );
}

static void a_full_server_loses_nothing_in_a_flood( void )
{
    play_on( FLOOD_PER_PAYLOAD );
}

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );
    TEST( a_full_server_loses_nothing_without_a_flood );
    TEST( a_full_server_loses_nothing_in_a_flood );
    return attack_done();
}
