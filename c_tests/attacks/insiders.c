/*
 * Those who hold the keys and mean ill: well sealed packets with contents that make no sense.
 */
#include "attack.h"

struct ill_formed
{
    int type, bytes;
};

static const struct ill_formed ill_formed[] =
{
    { NET_REQUEST, 0 }, { NET_REQUEST, 8 }, { NET_DENIED, 1 }, { NET_DENIED, 8 },
    { NET_CHALLENGE, 0 }, { NET_CHALLENGE, 300 }, { NET_CHALLENGE, 307 }, { NET_CHALLENGE, 309 },
    { NET_RESPONSE, 0 }, { NET_RESPONSE, 300 }, { NET_RESPONSE, 307 }, { NET_RESPONSE, 308 }, { NET_RESPONSE, 309 }, { NET_RESPONSE, 1200 },
    { NET_KEEP_ALIVE, 0 }, { NET_KEEP_ALIVE, 7 }, { NET_KEEP_ALIVE, 9 }, { NET_KEEP_ALIVE, 1200 },
    { NET_PAYLOAD, 0 }, { NET_PAYLOAD, 1201 }, { NET_PAYLOAD, 1270 },
    { NET_DISCONNECT, 1 }, { NET_DISCONNECT, 8 }, { NET_DISCONNECT, 1200 },
    { 7, 0 }, { 7, 8 }, { 8, 8 }, { 15, 0 }, { 15, 8 }, { 15, 308 }
};

#define ILL_FORMED ( (int) ( sizeof( ill_formed ) / sizeof( ill_formed[0] ) ) )

static void ill_formed_packets_of_a_client_are_ignored( void )
{
    struct net_pair pair = net_pair_open( 4 );
    struct seal_session session = seal_session_of( pair.net, pair.token );
    static const uint8_t plain[MAX_BYTES] = { 0 };
    int i, sequence_bytes;
    struct snapshot before;
    net_drain( pair.server );
    net_forget( pair.net );
    before = snapshot_of( pair.server );
    for ( i = 0; i < ILL_FORMED; i++ )
        seal_from_client( &session, pair.client, pair.server, ill_formed[i].type, 100 + (uint64_t) i, plain, ill_formed[i].bytes );

    /* of types that only servers send */
    seal_from_client( &session, pair.client, pair.server, NET_CHALLENGE, 190, plain, SEAL_CHALLENGE_BYTES );
    seal_from_client( &session, pair.client, pair.server, NET_DENIED, 191, plain, 0 );
    net_feed( pair.server );
    CHECK( untouched( pair.server, &before ) );

    /* with a number of sequence bytes that there is not: 0, and 9 to 15 */
    for ( sequence_bytes = 0; sequence_bytes < 16; sequence_bytes += sequence_bytes == 0 ? 9 : 1 )
    {
        uint8_t packet[NET_DATAGRAM_BYTES];
        int present = sequence_bytes < 8 ? sequence_bytes : 8;
        int bytes = seal_packet_with_prefix( packet, (uint8_t) ( sequence_bytes << 4 | NET_PAYLOAD ), present, 0, plain, 40, session.protocol_id, session.client_key );
        net_process( pair.server, &pair.client->address, packet, bytes );
    }
    CHECK( untouched( pair.server, &before ) );
    check_undisturbed( &pair );
    net_pair_close( &pair );
}

static void ill_formed_packets_of_a_server_are_ignored( void )
{
    static const int states[] = { NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST, NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE, NETCODE_CLIENT_STATE_CONNECTED };
    static const uint8_t plain[MAX_BYTES] = { 0 };
    int i, j;
    for ( i = 0; i < 3; i++ )
    {
        struct net * net = net_create();
        struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
        struct net_endpoint * client = net_client( net, NET_CLIENT );
        uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
        struct seal_session session;
        struct snapshot before;
        net_token_for( server, token, NET_TIMEOUT, 1000 );
        session = seal_session_of( net, token );
        netcode_client_connect( client->client, token );
        CHECK( net_run_until( client, states[i] ) );
        net_drain( client );
        before = snapshot_of( client );
        for ( j = 0; j < ILL_FORMED; j++ )
            seal_from_server( &session, client, server, ill_formed[j].type, 100 + (uint64_t) j, plain, ill_formed[j].bytes );
        seal_from_server( &session, client, server, NET_RESPONSE, 190, plain, SEAL_CHALLENGE_BYTES );
        net_feed( client );
        CHECK( untouched( client, &before ) );
        CHECK( net_run_until( client, NETCODE_CLIENT_STATE_CONNECTED ) );
        net_destroy( net );
    }
}

static void odd_slots_in_a_keep_alive_are_harmless( void )
{
    static const uint32_t numbers[] = { 0xFFFFFFFF, 0x80000000, 0x7FFFFFFF, 256, 0 };
    int i;
    for ( i = 0; i < 5; i++ )
    {
        struct net * net = net_create();
        struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
        struct net_endpoint * client = net_client( net, NET_CLIENT );
        uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], plain[8];
        struct seal_session session;
        net_token_for( server, token, NET_TIMEOUT, 1000 );
        session = seal_session_of( net, token );
        server->drop = 1 << NET_KEEP_ALIVE;
        netcode_client_connect( client->client, token );
        CHECK( net_run_until( client, NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE ) );
        net_write_little_endian( plain, 4, numbers[i] );
        net_write_little_endian( plain + 4, 4, numbers[4 - i] );
        seal_from_server( &session, client, server, NET_KEEP_ALIVE, 100, plain, 8 );
        net_steps( net, 4, NET_TICK );
        netcode_client_disconnect( client->client );
        CHECK_EQUAL( netcode_client_index( client->client ), 0 );
        CHECK_EQUAL( netcode_client_max_clients( client->client ), 0 );
        net_destroy( net );
    }
}

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );
    TEST( ill_formed_packets_of_a_client_are_ignored );
    TEST( ill_formed_packets_of_a_server_are_ignored );
    TEST( odd_slots_in_a_keep_alive_are_harmless );
    return attack_done();
}
